//! Why there is no answer.

use std::error::Error;
use std::io;

/// A server gave no response.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy::http) enum Unanswered {
    /// Nobody could be asked.
    #[error("no connection")]
    Unconnected(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended too soon, or something else than HTTP came.
    #[error("no response")]
    Broken(#[source] hyper::Error),
    /// The target names no server.
    #[error("the target names no server")]
    Unaddressed,
}

impl Unanswered {
    pub(in crate::proxy::http) fn is_connect(&self) -> bool {
        matches!(self, Self::Unconnected(_))
    }
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
