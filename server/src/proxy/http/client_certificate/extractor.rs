//! The actor, from the certificate of a connection.

use std::sync::Arc;

use auditrail::identity::{Actor, Extractor, RequestFacts};

/// An extension of requests on connections whose client has shown a certificate: who its holder is. Only the code that did the
/// handshake can make one.
#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate(pub(in crate::proxy::http) Arc<Actor>);

/// Names the holder of the client's certificate, on listeners that ask for one ([`HttpSettings::client_certificates`]).
///
/// [`HttpSettings::client_certificates`]: crate::proxy::http::HttpSettings::client_certificates
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct CertificateExtractor;

impl CertificateExtractor {
    /// For all listeners of a process: each has its own settings.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Extractor for CertificateExtractor {
    fn source(&self) -> &'static str {
        SOURCE
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        let ClientCertificate(holder) = request.extensions?.get()?;
        Some(Actor::clone(holder))
    }
}

/// `auditrail.actor.source` and `.auth_type`.
pub(super) const SOURCE: &str = "mtls";
