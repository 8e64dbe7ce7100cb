//! Why a shipper does not start.

use std::io;
use std::path::PathBuf;

/// Why the shipper could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShipError {
    /// No thread or runtime could be created.
    #[error("the shipper's thread could not start: {0}; the process may have reached its limit of threads or files")]
    Thread(#[from] io::Error),
    /// The connector refused the settings.
    #[error("cannot set up the connection to {endpoint}: {reason}")]
    Connect {
        /// The collector.
        endpoint: String,
        /// The problem, and what to do.
        reason: String,
    },
    /// A file cannot take records.
    #[error("audit records cannot be written to {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem, and what to do.
        reason: String,
    },
}
