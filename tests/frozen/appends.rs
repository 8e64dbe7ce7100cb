//! The journal alone.

use std::path::Path;
use std::time::Duration;

use auditrail::journal::{
    Append, BatchLimits, HEADER, Journal, JournalError, JournalOptions, Opened, Reader, Receipt, Sequence,
};

use crate::held_fs::{Held, HeldFs};

const SHORT: Duration = Duration::from_millis(20);
const HANDED: Append = Append { handed: true, patience: SHORT, ..Append::MOMENT };

/// As many as a commit may leave unsynced, and from one segment to the next.
pub fn appends_go_on_while_a_commit_syncs() {
    let (directory, fs) = (tempfile::tempdir().unwrap(), HeldFs::default());
    let Opened { journal, .. } = &opened(directory.path(), &fs);
    append(journal, Append::MOMENT, 500).unwrap();
    let held = fs.hold(Held::Syncs);
    append(journal, Append::MOMENT, 500).unwrap();
    assert_eq!(fs.stands(Held::Syncs), "auditrail-journal");
    for _ in 0..3000 {
        append(journal, Append::MOMENT, 2000).unwrap();
    }
    assert!(journal.commit_within(SHORT).is_err(), "it is still held");
    drop(held);
    journal.commit_within(Duration::MAX).unwrap();
}

/// There is room for some still, and who finds none is told so.
pub fn appends_go_on_while_a_segment_is_made() {
    let (directory, fs) = (tempfile::tempdir().unwrap(), HeldFs::default());
    let Opened { journal, .. } = &opened(directory.path(), &fs);
    let held = fs.hold(Held::Making);
    let mut taken = 0;
    while append(journal, Append::MOMENT.within(SHORT), 1000).is_ok() {
        taken += 1;
    }
    // The first segment has 64 KiB, of which some are kept for alarms.
    assert!(taken > 40, "{taken}");
    assert!(matches!(append(journal, Append::MOMENT.within(SHORT), 1000), Err(JournalError::Stalled { .. })));
    assert!(matches!(journal.admit_within(4096, SHORT), Err(JournalError::Stalled { .. })));
    append(journal, Append::ALARM.within(SHORT), 1000).expect("that room is there");
    assert_eq!(journal.usage().appended, taken + 1);
    drop(held);
    append(journal, Append::MOMENT, 1000).unwrap();
    drop(journal.admit(4096).unwrap());
}

/// One thread is in a store that the kernel lets wait. Others get their answers.
pub fn a_thread_that_is_caught_holds_up_nobody() {
    let (directory, fs) = (tempfile::tempdir().unwrap(), HeldFs::default());
    let Opened { journal, .. } = &opened(directory.path(), &fs);
    std::thread::scope(|scope| {
        let held = fs.hold(Held::Stores);
        let caught = scope.spawn(|| append(journal, Append::MOMENT, 500).unwrap());
        let _thread = fs.stands(Held::Stores);
        for what in [Append::MOMENT.within(SHORT), Append::ALARM.within(SHORT), HANDED] {
            assert!(matches!(append(journal, what, 500), Err(JournalError::Stalled { .. })));
        }
        assert!(journal.is_stalled());
        assert_eq!(journal.usage().appended, 0);
        drop(journal.admit_within(4096, SHORT).expect("its room is there"));
        assert!(!journal.settled_within(1, SHORT));
        journal.commit_soon();
        assert!(!caught.is_finished());
        drop(held);
        assert_eq!(caught.join().unwrap().sequence, 1);
    });
    assert_eq!(append(journal, Append::MOMENT, 500).unwrap().sequence, 2);
    assert!(!journal.is_stalled());
}

/// A record that was given away and left is not taken, later either, and nothing of it is on the disk.
pub fn what_was_left_stays_nowhere() {
    let (directory, fs) = (tempfile::tempdir().unwrap(), HeldFs::default());
    let Opened { journal, mut reader, keeper, .. } = opened(directory.path(), &fs);
    let held = fs.hold(Held::Stores);
    assert!(matches!(append(&journal, HANDED, 5000), Err(JournalError::Stalled { .. })));
    assert_eq!(fs.stands(Held::Stores), "auditrail-writer");
    assert!(matches!(append(&journal, HANDED, 6000), Err(JournalError::Stalled { .. })));
    drop(held);
    let taken = Append { patience: Duration::MAX, ..HANDED };
    assert_eq!(append(&journal, taken, 100).unwrap().sequence, 1);
    journal.commit_within(Duration::MAX).unwrap();
    assert_eq!(all(&mut reader), [(1, 100)]);
    assert_eq!(journal.usage().appended, 1);
    let segment = directory.path().join(format!("streams/{}/0000000001.seg", journal.stream()));
    drop(keeper);
    let content = std::fs::read(segment).unwrap();
    assert!(
        !content.windows(200).any(|window| window.iter().all(|byte| *byte == 7)),
        "nothing is left of the long ones"
    );
}

/// It is the thread that writes for others which a file system catches that was frozen in the meantime.
pub fn who_writes_first_after_a_pause_is_not_caught() {
    let (directory, fs) = (tempfile::tempdir().unwrap(), HeldFs::default());
    let Opened { journal, .. } = &opened(directory.path(), &fs);
    // What a pause is, is seen once a second by a thread that may be late.
    let caught = (0..10).map(|_| {
        append(journal, Append::MOMENT, 100).unwrap();
        journal.commit_within(Duration::MAX).unwrap();
        std::thread::sleep(Duration::from_secs(4));
        std::thread::scope(|scope| {
            let held = fs.hold(Held::Stores);
            let first = scope.spawn(|| append(journal, Append::MOMENT, 100).unwrap());
            let caught = fs.stands(Held::Stores);
            drop(held);
            first.join().unwrap();
            caught
        })
    });
    assert!(caught.into_iter().any(|thread| thread == "auditrail-writer"));
}

fn opened(directory: &Path, fs: &HeldFs) -> Opened {
    let mut options = JournalOptions::new(directory);
    options.fs = std::sync::Arc::new(fs.clone());
    Journal::open(options).unwrap()
}

fn append(journal: &Journal, what: Append, length: usize) -> Result<Receipt, JournalError> {
    journal.append(what, &mut vec![7; HEADER + length])
}

/// Number and length of each record.
fn all(reader: &mut Reader) -> Vec<(Sequence, usize)> {
    let mut all = Vec::new();
    while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
        all.extend(batch.entries.iter().map(|entry| (entry.sequence, entry.record.len())));
    }
    all
}
