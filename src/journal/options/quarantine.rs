//! The limit of the quarantine.

use std::path::PathBuf;
use std::sync::Arc;

use crate::locks::Mutex;

/// The limit of the quarantine, for all streams of a directory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QuarantineBound {
    /// How many bytes its files may take on the disk.
    pub max_bytes: u64,
    /// Whether a full quarantine accepts nothing more, instead of removing its oldest files.
    pub refuses: bool,
    pub(in crate::journal) counted: Arc<Mutex<Counted>>,
}

/// The size of the files when they were last counted, and how many this process has written since. Other processes write as
/// well, so this is a hint: files are counted again before one is removed.
#[derive(Debug, Default)]
pub(in crate::journal) struct Counted {
    pub(in crate::journal) directory: PathBuf,
    pub(in crate::journal) bytes: u64,
    pub(in crate::journal) written: u32,
}

impl QuarantineBound {
    /// A limit in bytes.
    #[must_use]
    pub fn new(max_bytes: u64, refuses: bool) -> Self {
        Self { max_bytes, refuses, counted: Arc::default() }
    }
}

impl Default for QuarantineBound {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_BYTES, false)
    }
}

/// About ten thousand files with one record each, or half a million records that were refused together.
const DEFAULT_MAX_BYTES: u64 = 256 << 20;
