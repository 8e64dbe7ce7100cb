//! Why keys could not be loaded.

use std::time::Duration;

use super::key_set::KeySetError;

/// Why a load gave nothing. Nothing that a server sends is quoted: it may be anybody's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::identity::jwt) enum LoadError {
    #[error("{0} cannot be read: {1}")]
    File(String, std::io::Error),
    #[error("{0}: {1}")]
    Content(String, KeySetError),
    #[error("{0} does not answer: {1}")]
    NoAnswer(String, String),
    #[error("{0} did not answer within {1:?}")]
    Slow(String, Duration),
    #[error("{0} answers with HTTP {1}")]
    Status(String, u16),
    #[error("{0} answers with more than {1} bytes")]
    TooLong(String, usize),
    #[error("{0} answers with a web page, not with JSON")]
    WebPage(String),
    #[error("{0} answers with the media type of something else than JSON")]
    MediaType(String),
    #[error("{0} redirects to another scheme or host, which is not followed; name the right address")]
    Redirect(String),
    #[error("{0} redirects too often")]
    Redirects(String),
    #[error("{0} is not a metadata document of an issuer: {1}")]
    Metadata(String, &'static str),
    #[error(
        "{0} is the metadata of another issuer; name the issuer exactly as that document does, with or without a slash at the end"
    )]
    OtherIssuer(String),
    #[error("{0} names a `jwks_uri` that is not used: {1}")]
    JwksUri(String, &'static str),
    #[error("no connection can be made: {0}")]
    Unprepared(String),
}
