//! Why there is no answer.

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

/// A server gave no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// Nobody could be asked.
    #[error("no connection")]
    Unconnected(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended too soon, or something else than HTTP came.
    #[error("no response")]
    Broken(#[source] hyper::Error),
    /// There are as many connections as there may be.
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

    /// Whether there is something that the operator can do about the way to the server. With TLS 1.3, what a server says of
    /// the client's certificate comes after the handshake.
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
        "see whether the server runs"
    }
}

/// Transports wrap it in errors of I/O, whose source is not what they wrap but what is behind that.
#[cfg(feature = "tls")]
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let within = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        error.downcast_ref::<io::Error>()?.get_ref().map(|error| error as _)
    };
    std::iter::successors(Some(cause), within).find_map(<dyn Error>::downcast_ref)
}

/// Whether it took too long to connect.
pub(crate) fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut))
}

/// The last cause, which says it best.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
}
