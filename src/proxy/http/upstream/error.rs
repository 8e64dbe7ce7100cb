//! Why there is no answer.

use std::error::Error;
use std::io;

use super::Outgoing;

/// A request that got no response.
#[derive(Debug)]
pub(in crate::proxy::http) struct Failed {
    pub(in crate::proxy::http) error: Unanswered,
    /// Its body, if nothing of it was sent.
    pub(in crate::proxy::http) unsent: Option<Outgoing>,
}

/// A server gave no response.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy::http) enum Unanswered {
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

impl Failed {
    pub(super) fn without_body(error: Unanswered) -> Box<Self> {
        Box::new(Self { error, unsent: None })
    }

    pub(super) fn with_body(error: Unanswered, body: Outgoing) -> Box<Self> {
        Box::new(Self { error, unsent: Some(body) })
    }
}

impl Unanswered {
    pub(in crate::proxy::http) fn is_connect(&self) -> bool {
        matches!(self, Self::Unconnected(_))
    }

    /// Whether there is something that the operator can do about the way to the server. With TLS 1.3, what a server says of
    /// the client's certificate comes after the handshake.
    pub(in crate::proxy::http) fn is_of_the_way(&self) -> bool {
        #[cfg(feature = "tls")]
        if causes(self).any(|cause| tls_error(cause).is_some()) {
            return true;
        }
        self.is_connect()
    }

    /// What the operator can do.
    pub(in crate::proxy::http) fn remedy(&self) -> &'static str {
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
pub(in crate::proxy::http) fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut))
}

/// The last cause, which says it best.
pub(in crate::proxy::http) fn cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
}
