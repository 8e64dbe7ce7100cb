//! What can go wrong.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}; `auditrail-compare --help` tells what there is")]
    Usage(String),
    #[error("there is no collector at {}: get it by `tests/peers/install otelcol`, or name its cache by PEERS_CACHE", .0.display())]
    NoCollector(PathBuf),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("{what}: not within {bound:?}")]
    Late { what: String, bound: Duration },
    #[error("{what} ended by itself ({status}); it said: {said}")]
    Ended { what: String, status: ExitStatus, said: String },
    #[error("the emitter cannot start: {0}")]
    Emitter(String),
    #[error("{}: {problem}", path.display())]
    Document { path: PathBuf, problem: String },
    #[error("a planted bug survives, or the tests fail without one:\n{0}")]
    KillMatrix(String),
    #[error("stopped by a signal")]
    Interrupted,
}

impl Error {
    /// For `map_err`: what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
