//! Chooses a sink on this machine.

use std::sync::Arc;

use super::file::FileSink;
use super::stderr::StderrSink;
use crate::config::{FileSettings, Notices};
use crate::ship::connector::Sink;
use crate::ship::ship_error::ShipError;
use crate::ship::target::Target;

/// A sink on this machine that can be written to.
#[derive(Debug)]
pub(crate) struct LocalSink {
    pub(in crate::ship) sink: Arc<dyn Sink>,
    pub(in crate::ship) target: Target,
    /// The name of the shipper's thread.
    pub(in crate::ship) thread: &'static str,
}

impl LocalSink {
    /// A file, which is created, or found to be one that records can be appended to.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn file(settings: &FileSettings, notices: &Notices) -> Result<Self, ShipError> {
        let path = settings.path.clone();
        match FileSink::open(settings.clone(), notices.clone()) {
            Ok(sink) => Ok(Self { sink: Arc::new(sink), target: Target::File(path), thread: "auditrail-file" }),
            Err(error) => Err(ShipError::File { path, reason: error.to_string() }),
        }
    }

    /// Standard error.
    pub(crate) fn stderr() -> Self {
        Self { sink: Arc::new(StderrSink::default()), target: Target::StandardError, thread: "auditrail-stderr" }
    }
}
