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

#[path = "support/faulty_fs.rs"]
mod faulty_fs;
mod killed;
mod model;
mod simulated;
#[path = "support/told.rs"]
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use auditrail::journal::{Append, BatchLimits, Event, HEADER, Journal, JournalOptions, Opened, Receipt};

use self::faulty_fs::FaultyFs;
use self::model::company::Kinds;
use self::simulated::{Death, SimulatedFs};
use self::told::Told;

#[test]
fn a_random_walk_with_crashes_keeps_every_promise() {
    model::run(700);
}

/// One dies, the other adopts its stream while it goes on with its own; and they stand still in the middle of what they do.
#[test]
fn processes_that_share_a_directory_keep_every_promise() {
    model::company::run(Kinds { processes: 2, lasting: false, meanwhile: false }, 150);
}

/// A disk that is full or fails before a crash, and after it, until somebody mends it.
#[test]
fn a_disk_that_fails_for_long_costs_nothing_that_was_synced() {
    model::company::run(Kinds { processes: 2, lasting: true, meanwhile: false }, 150);
}

/// Threads append while another one syncs, and the power goes in that moment; or the sync fails, and drops what it had.
#[test]
fn what_comes_during_a_sync_is_not_taken_for_synced() {
    model::company::run(Kinds { processes: 2, lasting: true, meanwhile: true }, 150);
}

/// Row 4 of the fault tests: real files, four writers, a random delay.
#[test]
fn nothing_acknowledged_is_lost_by_kill() {
    killed::rounds(200);
}

/// Row 4, where all the time records are shipped and settled, cursors written, segments removed, and dead streams adopted.
#[test]
fn nothing_is_lost_or_given_twice_by_kills_while_segments_go() {
    killed::ships::rounds(100);
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
    // One in the middle, and the last one, behind which no number shows that it is missing.
    for dropped in [5, 20] {
        let (fs, told) = (SimulatedFs::new(7, 512), Arc::new(Told::default()));
        let mut options = JournalOptions::new("/j");
        (options.fs, options.background, options.watcher) = (Arc::new(fs.clone()), false, told.clone());
        let opened = Journal::open(options.clone()).unwrap();
        let receipts: Vec<_> = (1..=20).map(|number| append(&opened.journal, &[number; 900])).collect();
        let whole = [dropped; 900];
        let holds = |path: &PathBuf| fs.content(path).is_some_and(|content| content.windows(900).any(|at| at == whole));
        let segment = fs.paths().into_iter().find(holds).unwrap();
        let content = fs.content(&segment).unwrap();
        let start = content.windows(900).position(|at| at == whole).unwrap();
        fs.overwrite(&segment, &[&content[..start], &[0; 900], &content[start + 900..]].concat());
        fs.faults(|faults| faults.sync = 1);
        opened.journal.commit().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let waited = runtime.block_on(opened.journal.synced(receipts[usize::from(dropped) - 1]));
        waited.expect_err("whoever waits for it is told");
        fs.restart(Death::PowerLoss);

        let orphan = auditrail::journal::orphans(&options).unwrap().pop().unwrap();
        let mut adopted = orphan.adopt(&options).unwrap().unwrap();
        assert_eq!(append(&adopted.journal, &[21; 900]).sequence, 21, "no number is used twice");
        adopted.journal.commit().unwrap();
        let batch = adopted.reader.next(BatchLimits { records: 100, bytes: 1 << 20 }).unwrap();
        let numbers: Vec<_> = batch.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(numbers, (1..=21).filter(|number| *number != u64::from(dropped)).collect::<Vec<_>>());
        let number = u64::from(dropped);
        let lost = |event: &Event| matches!(event, Event::Lost { count: 1, first, last, .. } if (*first, *last) == (number, number));
        assert!(told.0.lock().unwrap().iter().any(lost), "{:?}", told.0);
    }
}

/// What was made durable is not written again, also if its segment was left while that went on.
#[test]
fn a_segment_may_be_left_during_a_commit_before_one_that_fails() {
    let directory = tempfile::tempdir().unwrap();
    let fs = FaultyFs::default();
    let mut options = JournalOptions::new(directory.path());
    (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(64 << 10));
    let Opened { journal, mut reader, .. } = Journal::open(options).unwrap();
    let append_all = |numbers: std::ops::RangeInclusive<u8>| {
        for number in numbers {
            append(&journal, &[number; 1000]);
        }
    };
    append_all(1..=40);
    let begun = fs.begun();
    fs.hold();
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| journal.commit());
        // A commit that syncs nothing, as a planted bug has it, is not waited for.
        while fs.begun() == begun && !commit.is_finished() {
            std::thread::yield_now();
        }
        append_all(41..=80);
        fs.release();
        commit.join().unwrap().unwrap();
    });
    fs.fail(1);
    journal.commit().unwrap();

    let batch = reader.next(BatchLimits { records: 100, bytes: 1 << 20 }).unwrap();
    let records: Vec<_> = batch.entries.iter().map(|entry| (entry.sequence, entry.record[0])).collect();
    assert_eq!(records, (1..=80_u8).map(|number| (u64::from(number), number)).collect::<Vec<_>>());
}

fn append(journal: &Journal, record: &[u8]) -> Receipt {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append::MOMENT, &mut frame).unwrap()
}
