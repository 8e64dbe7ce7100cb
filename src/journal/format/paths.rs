//! The layout of a journal's directory.
//!
//! ```text
//! lock                     locked while streams are created, adopted and removed
//! ledger                   the last numbers of removed streams; ledger.old, if that was full
//! previous                 the id of the stream that was started last, as text
//! streams/ID/stream        the lock of the stream's owner; a copy of the segments' header, without a number
//! streams/ID/cursor        how far the stream is settled for the collector
//! streams/ID/cursor-SINK   how far it is settled for another sink
//! streams/ID/mark          how far the stream is durable
//! streams/ID/N.seg         a segment; N counts up, in ten digits
//! quarantine/ID-N.rec      records that the collector refused, or that were damaged
//! ```

use std::path::{Path, PathBuf};

use super::sink_name::SinkName;
use crate::journal::disk::Fs;
use crate::record::StreamId;

/// The paths in the directory of a journal.
#[derive(Debug, Clone)]
pub(in crate::journal) struct JournalPaths(PathBuf);

impl JournalPaths {
    pub(in crate::journal) fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    pub(in crate::journal) fn root(&self) -> &Path {
        &self.0
    }

    pub(in crate::journal) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(in crate::journal) fn previous(&self) -> PathBuf {
        self.0.join("previous")
    }

    pub(in crate::journal) fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    pub(in crate::journal) fn older_ledger(&self) -> PathBuf {
        self.0.join("ledger.old")
    }

    pub(in crate::journal) fn streams(&self) -> PathBuf {
        self.0.join("streams")
    }

    pub(in crate::journal) fn quarantine(&self) -> PathBuf {
        self.0.join("quarantine")
    }

    pub(in crate::journal) fn stream(&self, stream: StreamId) -> StreamPaths {
        StreamPaths(self.streams().join(stream.to_string()))
    }
}

/// The paths in the directory of one stream.
#[derive(Debug, Clone)]
pub(in crate::journal) struct StreamPaths(PathBuf);

impl StreamPaths {
    pub(in crate::journal) fn root(&self) -> &Path {
        &self.0
    }

    pub(in crate::journal) fn owner(&self) -> PathBuf {
        self.0.join(OWNER)
    }

    pub(in crate::journal) fn cursor(&self, sink: SinkName) -> PathBuf {
        match sink {
            SinkName::OTLP => self.0.join(CURSOR),
            other => self.0.join(format!("{CURSOR}-{other}")),
        }
    }

    /// The sinks that have a cursor here, or else the collector.
    pub(in crate::journal) fn sinks(&self, fs: &dyn Fs) -> Vec<SinkName> {
        let names = fs.list(&self.0).unwrap_or_default();
        let mut sinks: Vec<_> = names.iter().filter_map(|name| sink_of_cursor(name)).collect();
        if sinks.is_empty() {
            sinks.push(SinkName::OTLP);
        }
        sinks
    }

    pub(in crate::journal) fn mark(&self) -> PathBuf {
        self.0.join(MARK)
    }

    pub(in crate::journal) fn segment(&self, number: u64) -> PathBuf {
        self.0.join(segment_name(number))
    }
}

/// The number in the name of a segment.
pub(in crate::journal) fn segment_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".seg")?.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

/// The sink whose cursor has that name.
pub(in crate::journal) fn sink_of_cursor(name: &str) -> Option<SinkName> {
    match name.strip_prefix(CURSOR)? {
        "" => Some(SinkName::OTLP),
        other => SinkName::new(other.strip_prefix('-')?).filter(|sink| *sink != SinkName::OTLP),
    }
}

/// Whether a file was being created again.
pub(in crate::journal) fn is_new(name: &str) -> bool {
    name.strip_suffix(".new").is_some_and(|name| !name.contains('.') && !name.is_empty())
}

fn segment_name(number: u64) -> String {
    format!("{number:010}.seg")
}

pub(in crate::journal) const OWNER: &str = "stream";
const CURSOR: &str = "cursor";
pub(in crate::journal) const MARK: &str = "mark";
