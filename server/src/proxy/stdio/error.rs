//! Why a server was not started.

use std::ffi::OsString;
use std::io;

/// The server was not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StdioError {
    /// The server did not start.
    #[error("cannot start {program:?}: {source}; check that the program exists and is executable")]
    Spawn {
        /// The program of the server.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// Threads, signals or the runtime.
    #[error("cannot set up the relay: {0}; the process may have reached its limit of threads or files")]
    Setup(#[from] io::Error),
}
