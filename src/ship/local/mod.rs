//! Sinks on this machine: a file of OTLP JSON lines, and standard error.
//!
//! Each line is one `ExportLogsServiceRequest` with one record, as the `file` exporter of the collector writes it
//! ([ADR 041](../../../docs/adr/041-sinks-without-a-collector.md)).
//!
//! Invariants:
//! 1. A batch is accepted only when all of its lines are durable in the file. So a record leaves the journal only when the file
//!    would show it after a power loss.
//! 2. A reader of the file finds whole lines, but for the one that is being written: what a failed write or a killed process left
//!    of a batch is cut before the next line is written.
//! 3. Who writes holds the lock of the file, and has seen that the path still leads to it. So several processes share a file, and
//!    each line of it is whole.
//! 4. Nothing is written behind a symbolic link, to what is not a regular file, to a file of another user, or to one that holds
//!    something else than OTLP JSON lines.
//! 5. No descriptor is kept between batches: a file that was renamed or removed is not written to any more.

mod file;
mod json;
mod open_file;
mod rotation;
mod stderr;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use self::file::FileSink;
pub use self::json::json_lines;
use self::stderr::StderrSink;
use super::connector::Sink;
use super::target::Target;
use crate::config::{FileSettings, Notices};

/// Where a shipper writes on this machine.
#[derive(Debug, Clone)]
pub(crate) enum LocalSink {
    /// A file, which is rotated.
    File(FileSettings),
    /// Standard error.
    Stderr,
}

impl LocalSink {
    /// The name of the shipper's thread.
    pub(super) const fn thread(&self) -> &'static str {
        match self {
            Self::File(_) => "auditrail-file",
            Self::Stderr => "auditrail-stderr",
        }
    }

    pub(super) fn target(&self) -> Target {
        match self {
            Self::File(settings) => Target::File(settings.path.clone()),
            Self::Stderr => Target::StandardError,
        }
    }

    /// Opens it, to find out at the start whether it can be written to.
    pub(super) fn open(self, notices: &Notices) -> Result<Arc<dyn Sink>, (PathBuf, io::Error)> {
        match self {
            Self::File(settings) => {
                let path = settings.path.clone();
                Ok(Arc::new(FileSink::open(settings, notices.clone()).map_err(|error| (path, error))?))
            }
            Self::Stderr => Ok(Arc::new(StderrSink::default())),
        }
    }
}
