//! Chooses a sink on this machine.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::FileSink;
use super::stderr::StderrSink;
use crate::config::{FileSettings, Notices};
use crate::ship::connector::Sink;
use crate::ship::target::Target;

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
    pub(in crate::ship) const fn thread(&self) -> &'static str {
        match self {
            Self::File(_) => "auditrail-file",
            Self::Stderr => "auditrail-stderr",
        }
    }

    pub(in crate::ship) fn target(&self) -> Target {
        match self {
            Self::File(settings) => Target::File(settings.path.clone()),
            Self::Stderr => Target::StandardError,
        }
    }

    /// Opens it, to find out at the start whether it can be written to.
    pub(in crate::ship) fn open(self, notices: &Notices) -> Result<Arc<dyn Sink>, (PathBuf, io::Error)> {
        match self {
            Self::File(settings) => {
                let path = settings.path.clone();
                Ok(Arc::new(FileSink::open(settings, notices.clone()).map_err(|error| (path, error))?))
            }
            Self::Stderr => Ok(Arc::new(StderrSink::default())),
        }
    }
}
