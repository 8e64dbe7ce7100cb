//! One run of a process: its own stream, and those that it has adopted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use auditrail::journal::{
    Append, BatchLimits, CallNumber, Event, HEADER, Journal, JournalError, JournalOptions, Kind, Reader, Receipt,
    Sequence, Settler, Watcher, orphans,
};
use auditrail::record::{Clock, Entropy, StreamId};

use crate::simulated::{Chance, SimulatedFs};

/// A stream that the process has in hand.
#[derive(Debug)]
pub struct Stream {
    pub id: StreamId,
    pub own: bool,
    pub journal: Journal,
    pub reader: Reader,
    pub settler: Settler,
    pub calls: Vec<(CallNumber, Vec<u8>)>,
    pub ended: bool,
    pub can_append: bool,
    /// The last numbers of batches that were read and are not settled.
    pub unsettled: VecDeque<Sequence>,
    pub read: Sequence,
}

#[derive(Debug, Default)]
pub struct Reports(Mutex<Vec<Event>>);

impl Reports {
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Watcher for Reports {
    fn happened(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// Time and chance of a simulation.
#[derive(Debug)]
pub struct Seeded(Mutex<Chance>);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(Chance::new(seed)))
    }
}

impl Clock for Seeded {
    fn unix_nano(&self) -> u64 {
        self.0.lock().unwrap().next() % (1 << 60)
    }

    fn monotonic_nano(&self) -> u64 {
        0
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        let mut chance = self.0.lock().unwrap();
        bytes.iter_mut().for_each(|byte| *byte = chance.next().to_le_bytes()[0]);
    }
}

pub fn options(fs: &SimulatedFs, reports: &Arc<Reports>, seeded: &Arc<Seeded>, max_bytes: u64) -> JournalOptions {
    let mut options = JournalOptions::new("/var/journal");
    options.max_bytes = max_bytes;
    options.segment_bytes = Some(64 << 10);
    options.resource = bytes::Bytes::from_static(b"resource");
    options.scope = bytes::Bytes::from_static(b"scope");
    options.background = false;
    options.fs = Arc::new(fs.clone());
    options.clock = seeded.clone();
    options.entropy = seeded.clone();
    options.watcher = reports.clone();
    options
}

/// Its own stream, and all those that it finds. With the requests that were open.
#[expect(clippy::type_complexity, reason = "taken apart at once")]
pub fn start(options: &JournalOptions) -> Result<Vec<(Stream, Option<Vec<Vec<u8>>>)>, JournalError> {
    let opened = Journal::open(options.clone())?;
    let mut streams = vec![(Stream::new(opened.journal, (opened.reader, opened.settler), true, true), None)];
    for orphan in orphans(options)? {
        let Some(adopted) = orphan.adopt(options)? else { continue };
        let mut stream = Stream::new(adopted.journal, (adopted.reader, adopted.settler), false, adopted.needs_end);
        stream.calls = adopted.open.iter().map(|open| (open.call, open.request.to_vec())).collect();
        let open = stream.calls.iter().map(|(_, request)| request.clone()).collect();
        streams.push((stream, adopted.needs_end.then_some(open)));
    }
    Ok(streams)
}

impl Stream {
    pub fn new(journal: Journal, (reader, settler): (Reader, Settler), own: bool, can_append: bool) -> Self {
        Self {
            id: journal.stream(),
            own,
            journal,
            reader,
            settler,
            calls: Vec::new(),
            ended: !can_append,
            can_append,
            unsettled: VecDeque::new(),
            read: 0,
        }
    }

    pub fn append(&self, kind: Kind, call: Option<CallNumber>, payload: &[u8]) -> Result<Receipt, JournalError> {
        let mut frame = vec![0; HEADER];
        frame.extend_from_slice(payload);
        let what = Append { kind, call, ..Append::MOMENT };
        let taken = self.journal.append(what, &mut frame);
        assert!(taken.is_ok() || frame.len() == HEADER + payload.len(), "the buffer can be appended again");
        taken
    }

    pub fn next(&mut self, records: usize) -> Vec<(Sequence, Vec<u8>)> {
        let batch = self.reader.next(BatchLimits { records, bytes: 64 << 10 });
        batch.map_or_else(Vec::new, |batch| {
            batch.entries.into_iter().map(|entry| (entry.sequence, entry.record.to_vec())).collect()
        })
    }
}
