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

use std::sync::Arc;

use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions};

use self::simulated::{Death, SimulatedFs};

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

fn append(journal: &Journal, record: &[u8]) {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append::MOMENT, &mut frame).unwrap();
}
