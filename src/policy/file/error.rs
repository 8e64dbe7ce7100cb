//! Why a policy file cannot be used.

use std::io;
use std::path::PathBuf;

use super::mistake::Mistake;

/// Why a policy file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFileError {
    /// The file cannot be read.
    #[error("{}: {source}; name a readable policy file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file contains something that cannot be used.
    #[error(transparent)]
    Mistake(#[from] Mistake),
}
