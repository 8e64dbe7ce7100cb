//! A batch as it is shipped: each record with its number and its stream, framed as a request.
//!
//! Invariants:
//! 1. Number and stream are put on a record once, when its batch is read. Every attempt, also with a part of the batch, and
//!    the quarantine have those very bytes.
//! 2. A record is copied once on its way from the journal to the first request.

use std::ops::Range;

use bytes::{BufMut as _, Bytes};

use super::frame::Envelope;
use super::frame::{Stamp, field_length, record_header};
use crate::journal::{Entry, Sequence};

/// Records on their way to a sink.
#[derive(Debug)]
pub struct Shipment {
    envelope: Envelope,
    /// All records in one request.
    request: Bytes,
    records: Vec<RecordRange>,
}

/// Where a record stands in the request.
#[derive(Debug, Clone, Copy)]
struct RecordRange {
    sequence: Sequence,
    /// Its field begins.
    field: usize,
    /// The record itself does.
    begin: usize,
    end: usize,
}

impl Shipment {
    /// Records as they stand in the journal: each gets its stamp.
    #[must_use]
    pub fn stamped(envelope: Envelope, stamp: &Stamp, entries: &[Entry]) -> Self {
        Self::of(envelope, Some(stamp), entries)
    }

    /// Records that were shipped before, and have their stamps.
    #[must_use]
    pub fn again(envelope: Envelope, entries: &[Entry]) -> Self {
        Self::of(envelope, None, entries)
    }

    fn of(envelope: Envelope, stamp: Option<&Stamp>, entries: &[Entry]) -> Self {
        let length_of = |entry: &Entry| entry.record.len() + stamp.map_or(0, |stamp| stamp.length(entry.sequence));
        let length = entries.iter().map(|entry| field_length(length_of(entry))).sum();
        let mut records = Vec::with_capacity(entries.len());
        let request = envelope.around(length, |request| {
            for entry in entries {
                let field = request.len();
                record_header(request, length_of(entry));
                let begin = request.len();
                request.put_slice(&entry.record);
                stamp.into_iter().for_each(|stamp| stamp.put(request, entry.sequence));
                records.push(RecordRange { sequence: entry.sequence, field, begin, end: request.len() });
            }
        });
        Self { envelope, request, records }
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The number of the last record.
    #[must_use]
    pub fn last(&self) -> Option<Sequence> {
        self.records.last().map(|place| place.sequence)
    }

    /// One request with a part of the records.
    #[must_use]
    pub fn request(&self, part: &Range<usize>) -> Bytes {
        if *part == (0..self.len()) {
            return self.request.clone();
        }
        let places = self.places(part);
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return self.envelope.around(0, |_| ());
        };
        let fields = self.request.slice(first.field..last.end);
        self.envelope.around(fields.len(), |request| request.put_slice(&fields))
    }

    /// A part of the records, as they are shipped.
    #[must_use]
    pub fn records(&self, part: &Range<usize>) -> Vec<Entry> {
        let entry = |place: &RecordRange| Entry {
            sequence: place.sequence,
            record: self.request.slice(place.begin..place.end),
        };
        self.places(part).iter().map(entry).collect()
    }

    /// The shortest record of a part: what stays in memory is to be small.
    pub(super) fn shortest(&self, part: &Range<usize>) -> Option<usize> {
        let indices = part.clone().zip(self.places(part));
        indices.min_by_key(|(_, place)| place.end - place.begin).map(|(index, _)| index)
    }

    fn places(&self, part: &Range<usize>) -> &[RecordRange] {
        self.records.get(part.clone()).unwrap_or_default()
    }
}
