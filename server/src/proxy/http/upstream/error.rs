//! Why a server gave no answer.

use std::error::Error;
use std::io;

use crate::proxy::http::body::OutgoingBody;

/// A request that got no response.
#[derive(Debug)]
pub(crate) struct FailedRequest {
    pub(crate) error: UpstreamError,
    /// Its body, if nothing of it was sent.
    pub(crate) unsent: Option<OutgoingBody>,
}

/// Why a server gave no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// No connection could be opened.
    #[error("no connection")]
    Unconnected(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended too early, or the server did not speak HTTP.
    #[error("no response")]
    Broken(#[source] hyper::Error),
    /// The limit of connections is reached.
    #[error("no room for another connection")]
    NoRoom,
    /// The target names no server.
    #[error("the target names no server")]
    Unaddressed,
}

impl FailedRequest {
    pub(super) fn without_body(error: UpstreamError) -> Box<Self> {
        Box::new(Self { error, unsent: None })
    }

    pub(super) fn with_body(error: UpstreamError, body: OutgoingBody) -> Box<Self> {
        Box::new(Self { error, unsent: Some(body) })
    }
}

impl UpstreamError {
    pub(crate) fn is_connect(&self) -> bool {
        matches!(self, Self::Unconnected(_))
    }

    /// Whether the operator can fix it on the way to the server. With TLS 1.3, a server rejects the client's certificate only
    /// after the handshake.
    pub(crate) fn is_connectivity(&self) -> bool {
        #[cfg(feature = "tls")]
        if causes(self).any(|cause| tls_error(cause).is_some()) {
            return true;
        }
        self.is_connect()
    }

    /// What the operator can do.
    pub(crate) fn remedy(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if let Some(error) = causes(self).find_map(tls_error) {
            return crate::proxy::http::tls::remedy(error);
        }
        "check that the server runs"
    }
}

/// Transports wrap a TLS error in an I/O error, whose `source` skips the wrapped error.
#[cfg(feature = "tls")]
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let within = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        error.downcast_ref::<io::Error>()?.get_ref().map(|error| error as _)
    };
    std::iter::successors(Some(cause), within).find_map(<dyn Error>::downcast_ref)
}

/// Whether connecting took too long.
pub(crate) fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut))
}

/// The innermost cause, which is the most precise.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
}
