//! Puts refused records and damaged bytes into the quarantine.

use bytes::Bytes;

use super::file::{Cause, Quarantined};
use super::files::Quarantine;
use crate::journal::entry::Entry;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{CHUNK, Salt, Scan, SinkName, is_zero};
use crate::journal::numbers::Sequence;
use crate::journal::state::Shared;

/// Records that a sink refused for good.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The records of the request, as they were shipped.
    pub entries: &'a [Entry],
    /// How many of them were refused. OTLP's partial success does not say which.
    pub refused: u64,
    /// The answer of the sink.
    pub reason: &'a str,
}

impl Shared {
    /// Writes a file of the quarantine. If the same records are set aside again, it is replaced.
    pub(in crate::journal) fn set_aside(&self, content: &Quarantined) -> Result<(), JournalError> {
        // Two sinks may refuse the same records.
        let sink = content.shipped_to.filter(|sink| *sink != SinkName::OTLP);
        let sink = sink.map_or_else(String::new, |sink| format!("-{sink}"));
        let name = format!("{}-{:020}{sink}", self.stream, content.first);
        self.write_to_quarantine(&name, content)
    }

    pub(in crate::journal) fn set_aside_damage(
        &self,
        segment: u64,
        offset: u64,
        sequence: Sequence,
        bytes: Bytes,
    ) -> Result<(), JournalError> {
        let name = format!("{}-{segment:010}-{offset:010}", self.stream);
        self.write_to_quarantine(
            &name,
            &Quarantined {
                cause: Cause::Damaged,
                stream: self.stream,
                first: sequence,
                last: sequence,
                refused: 0,
                time_unix_nano: self.options.clock.unix_nano(),
                resource: self.options.resource.clone(),
                scope: self.options.scope.clone(),
                reason: format!("damaged in segment {segment} at offset {offset}"),
                shipped_to: None,
                entries: vec![Entry { sequence, record: bytes }],
            },
        )
    }

    fn write_to_quarantine(&self, name: &str, content: &Quarantined) -> Result<(), JournalError> {
        let bytes = content.encode();
        self.make_room_in_quarantine(bytes.len())?;
        self.quarantine().write(name, &bytes)
    }

    /// Sets aside the parts of a segment's range that are not zero, in pieces. Returns whether there were any.
    pub(in crate::journal) fn set_aside_part(&self, segment: u64, from: u64, to: u64) -> Result<bool, JournalError> {
        let path = self.paths.segment(segment);
        let failed = |cause| JournalError::io("read", &path, error::FIX)(cause);
        let file = self.options.fs.open(&path).map_err(failed)?;
        let scan = Scan::salvaging(file, Salt::new(self.stream, segment), from);
        let mut is_something = false;
        for offset in (from..to).step_by(CHUNK) {
            let piece = scan.raw(offset, to).map_err(failed)?;
            if !is_zero(&piece) {
                self.set_aside_damage(segment, offset, 0, piece)?;
                is_something = true;
            }
        }
        Ok(is_something)
    }

    pub(super) fn quarantine(&self) -> Quarantine {
        Quarantine::of(self.options.fs.clone(), &self.options.directory)
    }
}
