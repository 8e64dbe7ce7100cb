//! A full disk is noticed before a record is taken, told once, and over by itself when there is space again.

#![allow(
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

#[path = "peers/mod.rs"]
mod peers;
mod simulated;
#[path = "support/told.rs"]
mod told;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use auditrail::journal::{
    Append, BatchLimits, Event, HEADER, Journal, JournalError, JournalOptions, Opened, Refused, Room,
};

use self::peers::{own, trial_where};
use self::simulated::SimulatedFs;
use self::told::Told;

const MOUNTED: &str = "AUDITRAIL_TEST_MOUNTED_AT";
const KIB: u64 = 1024;

impl Told {
    /// How often it was told that this is so, and that it is over.
    fn of(&self, wanted: &str) -> (usize, usize) {
        let events = self.0.lock().unwrap();
        let degraded = |event: &&Event| matches!(event, Event::Degraded { error_type, .. } if *error_type == wanted);
        let recovered = |event: &&Event| matches!(event, Event::Recovered { error_type, .. } if *error_type == wanted);
        (events.iter().filter(degraded).count(), events.iter().filter(recovered).count())
    }
}

const SMALL_DISK: &str = "a_full_disk_refuses_and_recovers_by_itself";

fn main() -> ExitCode {
    peers::run(vec![
        trial_where(SMALL_DISK, can_mount, |()| async { a_full_disk_refuses_and_recovers_by_itself() }),
        own("the_bound_holds_and_keeps_what_it_promised", the_bound_holds_and_keeps_what_it_promised),
    ])
}

/// Row 6 on a disk of 700 KiB, in a mount namespace of its own.
fn a_full_disk_refuses_and_recovers_by_itself() {
    if let Ok(directory) = std::env::var(MOUNTED) {
        return on_a_small_disk(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let run = mounted(directory.path(), "exec \"$1\" --exact --nocapture \"$2\"")
        .args([test.as_os_str(), SMALL_DISK.as_ref()])
        .env(MOUNTED, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
}

fn can_mount() -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    match mounted(directory.path(), "true").output() {
        _ if std::env::var_os(MOUNTED).is_some() => Ok(()),
        Ok(run) if run.status.success() => Ok(()),
        _ => Err("needs: to mount a tmpfs, as root can: sudo -E cargo test --test promise_full".into()),
    }
}

/// What goes on once the small disk is there.
fn mounted(directory: &Path, then: &str) -> Command {
    let script = format!("mount -t tmpfs -o size=700k,mode=0777 tmpfs \"$0\" && {then}");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).arg(directory);
    command
}

fn on_a_small_disk(directory: &Path) {
    let told = Arc::<Told>::default();
    let mut options = JournalOptions::new(directory.join("journal"));
    (options.background, options.segment_bytes) = (false, Some(64 * KIB));
    options.watcher = told.clone();
    let Opened { journal, mut reader, .. } = Journal::open(options).unwrap();
    for episode in 1..=3 {
        let ballast = directory.join("ballast");
        fs::write(&ballast, vec![1; 300 << 10]).unwrap();
        let taken = fill(&journal);
        journal.maintain();
        journal.maintain();
        assert_eq!(told.of("journal_full"), (episode, episode - 1), "one alarm an episode");
        assert!(append(&journal, Append::ALARM, 300).is_ok(), "there is room to say so");

        // Quarantine has no space either, and the records wait.
        journal.commit().unwrap();
        let batch = reader.next(BatchLimits { records: 1, bytes: 1 << 20 }).unwrap();
        let padding = directory.join("padding");
        let mut more = vec![1; 1 << 20];
        while !more.is_empty() && fs::write(&padding, &more).is_err() {
            more.truncate(more.len() / 2);
        }
        fs::write(directory.join("rest"), vec![1; 64 << 10]).ok();
        let refused = Refused { entries: &batch.entries, refused: 1, reason: "refused" };
        assert!(reader.quarantine(refused).is_err());

        for file in [ballast, padding, directory.join("rest")] {
            fs::remove_file(file).ok();
        }
        reader.quarantine(refused).unwrap();
        journal.maintain();
        assert_eq!(told.of("journal_full"), (episode, episode), "it recovers by itself");
        let mut read = 1;
        reader.settle(batch.entries[0].sequence);
        while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
            read += batch.entries.len();
            reader.settle(batch.entries.last().unwrap().sequence);
        }
        assert_eq!(read, taken + 1, "what was taken is there, and nothing else");
    }
}

/// The bound is kept, and a part of it is kept for alarms and for what was promised.
fn the_bound_holds_and_keeps_what_it_promised() {
    let fs = SimulatedFs::new(1, 512);
    let told = Arc::<Told>::default();
    let mut options = JournalOptions::new("/j");
    (options.background, options.segment_bytes, options.max_bytes) = (false, Some(64 * KIB), 256 * KIB);
    options.fs = Arc::new(fs);
    options.watcher = told.clone();
    let Opened { journal, mut reader, .. } = Journal::open(options).unwrap();
    let admissions: Vec<_> = (0..10).map(|_| journal.admit(1000).unwrap()).collect();
    let calls: Vec<_> = (0..10).map(|_| append(&journal, Append::REQUEST, 500).unwrap().call).collect();
    let mut taken = fill(&journal) + 10;
    assert!(journal.usage().allocated_bytes <= 256 * KIB);
    for (admission, call) in admissions.into_iter().zip(calls) {
        let what = Append::response(call).with_room(admission.room());
        assert!(append(&journal, what, 900).is_ok(), "it was promised");
        drop(admission);
        taken += 1;
    }
    assert!(append(&journal, Append::MOMENT.with_room(Room::All), 900).is_ok(), "alarms have room");
    journal.maintain();
    assert_eq!(told.of("journal_full"), (1, 0));
    journal.commit().unwrap();
    let mut read = 0;
    while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
        read += batch.entries.len();
        reader.settle(batch.entries.last().unwrap().sequence);
    }
    assert_eq!(read, taken + 1);
    journal.maintain();
    assert_eq!(told.of("journal_full"), (1, 1));
    assert!(append(&journal, Append::MOMENT, 900).is_ok());
}

/// Until it is refused.
fn fill(journal: &Journal) -> usize {
    for taken in 0.. {
        match append(journal, Append::MOMENT, 700) {
            Ok(_) => {}
            Err(JournalError::Full { .. } | JournalError::NoSegment { .. }) => return taken,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("it is full some day")
}

fn append(journal: &Journal, what: Append, length: usize) -> Result<auditrail::journal::Receipt, JournalError> {
    let mut frame = vec![7; HEADER + length];
    journal.append(what, &mut frame)
}
