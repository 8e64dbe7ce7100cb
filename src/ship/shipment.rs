//! A batch as it is shipped: each record with its number and its stream, framed as a request.
//!
//! Invariants:
//! 1. Number and stream are appended to a record once, when its batch is read. Every attempt, including one with a
//!    part of the batch, and the quarantine have exactly these bytes.
//! 2. A record is copied once on its way from the journal to the first request.

use std::ops::Range;

use bytes::{BufMut as _, Bytes};

use super::frame::Envelope;
use super::frame::{Stamp, field_length, record_header};
use crate::journal::{Entry, Sequence};

/// A batch of stamped records on its way to a sink.
#[derive(Debug)]
pub struct Shipment {
    envelope: Envelope,
    /// All records in one request.
    request: Bytes,
    records: Vec<RecordRange>,
}

/// The position of a record in the request.
#[derive(Debug, Clone, Copy)]
struct RecordRange {
    sequence: Sequence,
    /// The offset of its field.
    field: usize,
    /// The offset of the record itself.
    begin: usize,
    end: usize,
}

impl Shipment {
    /// Creates a shipment from records as they are in the journal, and stamps each of them.
    #[must_use]
    pub fn stamped(envelope: Envelope, stamp: &Stamp, entries: &[Entry]) -> Self {
        Self::of(envelope, Some(stamp), entries)
    }

    /// Creates a shipment from records that were shipped before and have their stamps.
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

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The sequence number of the last record.
    #[must_use]
    pub fn last(&self) -> Option<Sequence> {
        self.records.last().map(|place| place.sequence)
    }

    /// Builds one request with a part of the records.
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

    /// A part of the records, with their stamps.
    #[must_use]
    pub fn records(&self, part: &Range<usize>) -> Vec<Entry> {
        let entry = |place: &RecordRange| Entry {
            sequence: place.sequence,
            record: self.request.slice(place.begin..place.end),
        };
        self.places(part).iter().map(entry).collect()
    }

    /// The shortest record of a part: what stays in memory should be small.
    pub(super) fn shortest(&self, part: &Range<usize>) -> Option<usize> {
        let indices = part.clone().zip(self.places(part));
        indices.min_by_key(|(_, place)| place.end - place.begin).map(|(index, _)| index)
    }

    fn places(&self, part: &Range<usize>) -> &[RecordRange] {
        self.records.get(part.clone()).unwrap_or_default()
    }
}
