//! How much the quarantine may hold.

use std::path::PathBuf;
use std::sync::Arc;

use crate::locks::Mutex;

/// How much the quarantine may hold, for all streams of a directory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QuarantineBound {
    /// Bytes that its files take on the disk.
    pub max_bytes: u64,
    /// Whether it then takes nothing more, instead of shedding the oldest files.
    pub refuses: bool,
    pub(in crate::journal) counted: Arc<Mutex<Counted>>,
}

/// What the files took when they were counted, and those that were written since. Other processes write, too, so it is a
/// hint: they are counted again before one is removed.
#[derive(Debug, Default)]
pub(in crate::journal) struct Counted {
    pub(in crate::journal) directory: PathBuf,
    pub(in crate::journal) bytes: u64,
    pub(in crate::journal) written: u32,
}

impl QuarantineBound {
    /// A bound in bytes.
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

/// Some ten thousand files of one record, or half a million records that were refused together.
const DEFAULT_MAX_BYTES: u64 = 256 << 20;
