//! What is acknowledged comes back: after `kill -9` what was written, after a power loss what was synced; in order, byte for
//! byte, without a number used twice.

#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test stops at what it did not expect, and shares modules with others"
)]

mod killed;
mod model;
mod simulated;
#[path = "support/told.rs"]
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use auditrail::journal::{Append, BatchLimits, Event, HEADER, Journal, JournalOptions, Opened};

use self::simulated::{Death, SimulatedFs};
use self::told::Told;

#[test]
fn a_random_walk_with_crashes_keeps_every_promise() {
    model::run(1000);
}

/// Row 4 of the fault tests: real files, four writers, a random delay.
#[test]
fn nothing_acknowledged_is_lost_by_kill() {
    killed::rounds(200);
}

/// Row 5: whoever waits is told, and what could not be synced is durable after the next commit.
#[test]
fn a_failed_sync_is_told_and_made_good() {
    for (files, directories) in [(1, 0), (2, 0), (0, 1), (1, 1)] {
        let fs = SimulatedFs::new(7, 512);
        let mut options = JournalOptions::new("/j");
        (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(64 << 10));
        let opened = Journal::open(options.clone()).unwrap();
        for number in 0..20_u8 {
            append(&opened.journal, &[number; 900]);
        }
        fs.faults(|faults| (faults.sync, faults.sync_dir) = (files, directories));
        let first = opened.journal.commit();
        assert_eq!(first.is_err(), files + directories > 1, "one failure is made good by the second attempt");
        opened.journal.commit().unwrap();
        fs.restart(Death::PowerLoss);

        let orphan = auditrail::journal::orphans(&options).unwrap().pop().unwrap();
        let mut adopted = orphan.adopt(&options).unwrap().unwrap();
        let batch = adopted.reader.next(BatchLimits { records: 100, bytes: 1 << 20 }).unwrap();
        let records: Vec<_> = batch.entries.iter().map(|entry| (entry.sequence, entry.record[0])).collect();
        assert_eq!(records, (0..20_u8).map(|number| (u64::from(number) + 1, number)).collect::<Vec<_>>());
    }
}

/// What the system had forgotten before a commit could copy it is lost with the sync that fails, and that is told.
#[test]
fn what_the_system_dropped_before_a_failed_sync_is_told() {
    let (fs, told) = (SimulatedFs::new(7, 512), Arc::new(Told::default()));
    let mut options = JournalOptions::new("/j");
    (options.fs, options.background, options.watcher) = (Arc::new(fs.clone()), false, told.clone());
    let Opened { journal, mut reader, .. } = Journal::open(options).unwrap();
    for number in 1..=20_u8 {
        append(&journal, &[number; 900]);
    }
    let holds = |path: &PathBuf| fs.content(path).is_some_and(|content| content.windows(900).any(|at| at == [5; 900]));
    let segment = fs.paths().into_iter().find(holds).unwrap();
    let dropped = fs.content(&segment).unwrap().into_iter().map(|byte| if byte == 5 { 0 } else { byte });
    fs.overwrite(&segment, &dropped.collect::<Vec<_>>());
    fs.faults(|faults| faults.sync = 1);
    journal.commit().unwrap();

    let batch = reader.next(BatchLimits { records: 100, bytes: 1 << 20 }).unwrap();
    let numbers: Vec<_> = batch.entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(numbers, (1..=20).filter(|number| *number != 5).collect::<Vec<_>>());
    let lost = |event: &Event| matches!(event, Event::Lost { count: 1, first: 5, last: 5, .. });
    assert!(told.0.lock().unwrap().iter().any(lost), "{:?}", told.0);
}

fn append(journal: &Journal, record: &[u8]) {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append::MOMENT, &mut frame).unwrap();
}
