//! Makes room in the quarantine, within its limit.
//!
//! Invariants:
//! 1. If shedding is not allowed, nothing is removed: what does not fit is not set aside, and stays in the journal.
//! 2. The removal of a file is reported first, durably. The oldest file is removed first.

use std::collections::BTreeMap;

use super::file::Quarantined;
use super::files::Quarantine;
use crate::journal::entry::Entry;
use crate::journal::error::{self, JournalError};
use crate::journal::numbers::Sequence;
use crate::journal::options::{Counted, Event, Watcher};
use crate::journal::state::Shared;
use crate::record::StreamId;

/// A file, and the records that are removed with it.
#[derive(Debug)]
struct HeldFile {
    name: String,
    bytes: u64,
    unix_nano: u64,
    stream: StreamId,
    runs: Vec<Run>,
}

/// Records between two numbers, inclusive; 0 if they are unknown. All of them, or fewer if it is unknown which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    first: Sequence,
    last: Sequence,
    count: u64,
}

impl Shared {
    /// Makes sure that a file of that many bytes has room.
    pub(super) fn make_room_in_quarantine(&self, length: usize) -> Result<(), JournalError> {
        let bound = &self.options.quarantine;
        let wanted = on_disk(length as u64);
        let mut counted = bound.counted.lock();
        let quarantine = self.quarantine();
        let is_known = counted.directory == self.options.directory && counted.written < COUNT_AGAIN;
        if !is_known || counted.bytes + wanted > bound.max_bytes {
            let bytes = quarantine.sizes()?.iter().map(|(_, bytes)| bytes).sum();
            *counted = Counted { directory: self.options.directory.clone(), bytes, written: 0 };
        }
        if counted.bytes + wanted > bound.max_bytes && counted.bytes > 0 {
            if bound.refuses {
                return Err(JournalError::QuarantineFull { bytes: counted.bytes, max: bound.max_bytes });
            }
            counted.bytes -=
                self.shed(&quarantine, (counted.bytes + wanted).saturating_sub(bound.max_bytes / 8 * 7))?;
        }
        counted.bytes += wanted;
        counted.written += 1;
        Ok(())
    }

    /// Removes the oldest files, at least that many bytes if there are as many. Returns how many bytes were freed.
    fn shed(&self, quarantine: &Quarantine, bytes: u64) -> Result<u64, JournalError> {
        let mut held = quarantine.held()?;
        held.sort_unstable_by(|one, other| (one.unix_nano, &one.name).cmp(&(other.unix_nano, &other.name)));
        let mut freed = 0;
        held.retain(|file| {
            let goes = freed < bytes;
            freed += if goes { file.bytes } else { 0 };
            goes
        });
        if !told(&*self.options.watcher, &held) {
            let told = std::io::Error::other("the removal of its oldest records cannot be reported yet");
            return Err(JournalError::io("make room in", &quarantine.paths.quarantine(), error::FIX)(told));
        }
        held.iter().try_for_each(|file| quarantine.discard(&file.name))?;
        Ok(freed)
    }
}

/// Reports each run of numbers of a stream. Returns whether the reports are stored.
fn told(watcher: &dyn Watcher, held: &[HeldFile]) -> bool {
    let mut streams = BTreeMap::<StreamId, Vec<Run>>::new();
    for file in held {
        streams.entry(file.stream).or_default().extend(&file.runs);
    }
    for (stream, mut runs) in streams {
        runs.sort_unstable();
        for Run { first, last, count } in joined(runs) {
            watcher.happened(Event::Discarded { stream, count, first, last });
        }
    }
    watcher.is_kept()
}

/// Joins adjacent complete runs, and runs without known numbers. The input is sorted.
fn joined(runs: Vec<Run>) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    for run in runs {
        match all.last_mut() {
            Some(last) if run.first == 0 && last.first == 0 => last.count += run.count,
            Some(last) if last.is_whole() && run.is_whole() && run.first <= last.last + 1 => {
                last.last = last.last.max(run.last);
                last.count = last.last - last.first + 1;
            }
            _ => all.push(run),
        }
    }
    all
}

impl Run {
    const fn is_whole(&self) -> bool {
        self.first > 0 && self.count > self.last - self.first
    }

    /// The runs of records in a file of the quarantine.
    fn of(file: &Quarantined) -> Vec<Self> {
        let count = if file.refused > 0 { file.refused } else { file.entries.len() as u64 };
        if count < file.entries.len() as u64 || file.first == 0 {
            return vec![Self { first: file.first, last: file.last, count }];
        }
        let runs = file.entries.chunk_by(|one, next| one.sequence + 1 == next.sequence);
        let run = |run: &[Entry]| {
            let (first, last) = (run.first()?.sequence, run.last()?.sequence);
            Some(Self { first, last, count: run.len() as u64 })
        };
        runs.filter_map(run).collect()
    }
}

impl Quarantine {
    /// Name and size of each file, except files that were removed in the meantime.
    fn sizes(&self) -> Result<Vec<(String, u64)>, JournalError> {
        let size = |name: String| {
            let identity = self.fs.identity(&self.paths.quarantine().join(format!("{name}.rec"))).ok()?;
            Some((name, on_disk(identity.length)))
        };
        Ok(self.names()?.into_iter().filter_map(size).collect())
    }

    /// All readable files. It is unknown which records the others have, so they are never removed.
    fn held(&self) -> Result<Vec<HeldFile>, JournalError> {
        let held = self.sizes()?.into_iter().filter_map(|(name, bytes)| {
            let file = self.read(&name).ok()?;
            Some(HeldFile { name, bytes, unix_nano: file.time_unix_nano, stream: file.stream, runs: Run::of(&file) })
        });
        Ok(held.collect())
    }
}

const fn on_disk(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK)
}

const BLOCK: u64 = 4096;
/// Files are counted again after this process has written this many.
const COUNT_AGAIN: u32 = 1000;
