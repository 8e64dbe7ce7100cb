//! A full disk is detected before a record is accepted, reported once, and recording resumes when there is space again.

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
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use auditrail::journal::{
    Append, BatchLimits, Event, HEADER, Journal, JournalError, JournalOptions, Opened, Pressure, Refused, Room, orphans,
};

use self::peers::{own, trial_where};
use self::simulated::SimulatedFs;
use self::told::Told;

const MOUNTED: &str = "AUDITRAIL_TEST_MOUNTED_AT";
const KIB: u64 = 1024;
/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(120);

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
const SMALLER_SEGMENTS: &str = "on_a_small_disk_nothing_is_refused_that_is_shipped";

fn main() -> ExitCode {
    peers::run(vec![
        trial_where(SMALL_DISK, can_mount, |()| async { a_full_disk_refuses_and_recovers_by_itself() }),
        trial_where(SMALLER_SEGMENTS, can_mount, |()| async { on_a_small_disk_nothing_is_refused_that_is_shipped() }),
        own("idle_processes_leave_the_bound_to_others", idle_processes_leave_the_bound_to_others),
        own("a_process_that_has_become_idle_gives_back_its_room", a_process_that_has_become_idle_gives_back_its_room),
        own("what_was_admitted_is_taken_however_much_is_unsynced", what_was_admitted_is_taken_however_much_is_unsynced),
        own("the_bound_holds_and_keeps_what_it_promised", the_bound_holds_and_keeps_what_it_promised),
        own("pressure_says_how_much_can_still_be_taken", pressure_says_how_much_can_still_be_taken),
        own("what_is_settled_goes_when_the_disk_is_full", what_is_settled_goes_when_the_disk_is_full),
        own("what_is_settled_of_adopted_streams_goes_too", what_is_settled_of_adopted_streams_goes_too),
        own("what_is_settled_waits_for_more_a_moment_only", what_is_settled_waits_for_more_a_moment_only),
    ])
}

/// Row 6 on a disk of 700 KiB, in a mount namespace of its own.
fn a_full_disk_refuses_and_recovers_by_itself() {
    with_mounted("700k", SMALL_DISK, on_a_small_disk);
}

/// The same with 4 MB and the settings of every process: a segment of the usual size does not fit.
fn on_a_small_disk_nothing_is_refused_that_is_shipped() {
    with_mounted("4m", SMALLER_SEGMENTS, |directory| {
        let mut options = JournalOptions::new(directory.join("journal"));
        options.background = false;
        let Opened { journal, mut reader, mut settler, .. } = Journal::open(options).unwrap();
        for _ in 0..200 {
            for number in 0..100 {
                append(&journal, Append::MOMENT, 400 + number).unwrap();
            }
            journal.commit().unwrap();
            while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
                settler.settle(batch.entries.last().unwrap().sequence);
            }
            journal.maintain();
            assert!(journal.pressure() < Pressure::NearlyFull);
        }
    });
}

/// Runs it on a disk of that size, in another process of this test.
fn with_mounted(size: &str, name: &str, run: fn(&Path)) {
    if let Ok(directory) = std::env::var(MOUNTED) {
        return run(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let run = mounted(directory.path(), size, "exec \"$1\" --exact --nocapture \"$2\"")
        .args([test.as_os_str(), name.as_ref()])
        .env(MOUNTED, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
}

fn can_mount() -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    match mounted(directory.path(), "700k", "true").output() {
        _ if std::env::var_os(MOUNTED).is_some() => Ok(()),
        Ok(run) if run.status.success() => Ok(()),
        _ => Err("needs: to mount a tmpfs, as root can: sudo -E cargo test --test promise_full".into()),
    }
}

/// What goes on once the small disk is there.
fn mounted(directory: &Path, size: &str, then: &str) -> Command {
    let script = format!("mount -t tmpfs -o size={size},mode=0777 tmpfs \"$0\" && {then}");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).arg(directory);
    command
}

fn on_a_small_disk(directory: &Path) {
    let told = Arc::<Told>::default();
    let mut options = JournalOptions::new(directory.join("journal"));
    (options.background, options.segment_bytes) = (false, Some(64 * KIB));
    options.watcher = told.clone();
    let Opened { journal, mut reader, mut settler, .. } = Journal::open(options).unwrap();
    for episode in 1..=3 {
        let ballast = directory.join("ballast");
        fs::write(&ballast, vec![1; 300 << 10]).unwrap();
        let taken = fill(&journal);
        journal.maintain();
        journal.maintain();
        assert_eq!(told.of("journal_full"), (episode, episode - 1), "one alarm an episode");
        assert_eq!(journal.pressure(), Pressure::NearlyFull, "whatever the bound would allow");
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
        assert!(settler.quarantine(refused).is_err());

        for file in [ballast, padding, directory.join("rest")] {
            fs::remove_file(file).ok();
        }
        settler.quarantine(refused).unwrap();
        journal.maintain();
        assert_eq!(told.of("journal_full"), (episode, episode), "it recovers by itself");
        assert_eq!(journal.pressure(), Pressure::Low);
        let mut read = 1;
        settler.settle(batch.entries[0].sequence);
        while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
            read += batch.entries.len();
            settler.settle(batch.entries.last().unwrap().sequence);
        }
        assert_eq!(read, taken + 1, "what was taken is there, and nothing else");
    }
}

/// The bound is for what waits. A process that has nothing to say holds little of the disk, and none of the bound.
fn idle_processes_leave_the_bound_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let mut options = JournalOptions::new(directory.path());
        options.background = false;
        Journal::open(options).unwrap()
    };
    let idle: Vec<Opened> = (0..100).map(|_| open()).collect();
    for opened in &idle {
        append(&opened.journal, Append::MOMENT, 500).unwrap();
        opened.journal.commit().unwrap();
        opened.journal.maintain();
        assert!(opened.journal.admit(4096).is_ok() && opened.journal.pressure() < Pressure::NearlyFull);
        assert!(opened.journal.usage().allocated_bytes <= 64 * KIB, "{:?}", opened.journal.usage());
    }
    let on_disk: u64 = walk(directory.path());
    assert!(on_disk < 100 * 100 * KIB, "{on_disk} bytes of the disk for 100 idle processes");

    let Opened { journal, .. } = open();
    for _ in 0..4000 {
        append(&journal, Append::MOMENT, 5000).unwrap();
    }
    journal.commit().unwrap();
    // 20 MB in segments of 64 KiB would be 300 files.
    let files = fs::read_dir(directory.path().join("streams").join(journal.stream().to_string())).unwrap().count();
    assert!(files < 16, "{files} files");

    // What waits in the streams of others is held against the bound.
    let mut options = JournalOptions::new(directory.path());
    (options.background, options.max_bytes) = (false, 16 << 20);
    let Opened { journal, .. } = Journal::open(options).unwrap();
    let taken = fill(&journal);
    journal.maintain();
    assert!(taken > 20 && journal.pressure() == Pressure::NearlyFull, "{taken}");
    let others = journal.usage().others_bytes;
    assert!((20_000_000..21_500_000).contains(&others), "{others}: what waits is counted, and no space that is ready");
    assert!(append(&journal, Append::MOMENT, 700).is_err());
    // What tells of trouble is taken beyond it.
    for _ in 0..500 {
        append(&journal, Append::ALARM, 500).unwrap();
    }
}

/// Segments grow under load. Whoever has nothing to say for a while keeps the one that it is in, and begins small again.
fn a_process_that_has_become_idle_gives_back_its_room() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { journal, mut reader, mut settler, keeper, .. } =
        Journal::open(JournalOptions::new(directory.path())).unwrap();
    let stream = directory.path().join("streams").join(journal.stream().to_string());
    // Name, length and bytes on the disk of each segment.
    let segments = || {
        let files = fs::read_dir(&stream).unwrap().map(|entry| entry.unwrap().path());
        let segments = files.filter(|path| path.extension().is_some_and(|extension| extension == "seg"));
        let about = segments.filter_map(|path| {
            let metadata = fs::metadata(&path).ok()?;
            Some((path, metadata.len(), metadata.blocks() * 512))
        });
        let mut about: Vec<_> = about.collect();
        about.sort();
        about
    };
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < LONG, "{what}: {:?}", segments());
            std::thread::yield_now();
        }
    };
    let mut settle = || {
        journal.commit().unwrap();
        while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
            settler.settle(batch.entries.last().unwrap().sequence);
        }
    };
    // More than a quarter of a segment of 1 MiB: another one is made ready.
    while journal.usage().allocated_bytes < 2048 * KIB {
        append(&journal, Append::MOMENT, 4000).unwrap();
    }
    settle();
    until("another is ready", &|| segments().len() >= 2);
    let before: u64 = segments().iter().map(|(_, _, on_disk)| on_disk).sum();
    assert!(before >= 2048 * KIB, "{before}");

    until("it is idle", &|| segments().len() == 1);
    let idle = segments();
    let (_, length, on_disk) = &idle[0];
    assert!(on_disk < &before && on_disk <= length, "{idle:?}");
    assert_eq!(journal.usage().allocated_bytes, *length);

    // It goes on where it was, and the segment after that is a small one.
    while segments().len() < 2 {
        append(&journal, Append::MOMENT, 4000).unwrap();
    }
    let (_, next, _) = segments()[1];
    assert!(next <= 128 * KIB, "{next} bytes after a pause");
    settle();
    drop(keeper);
}

/// The bytes that all files take.
fn walk(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { entry.metadata().unwrap().blocks() * 512 })
        .sum()
}

/// The room of a response was kept when its call began. That the disk is slow meanwhile is no reason to refuse it.
fn what_was_admitted_is_taken_however_much_is_unsynced() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(directory.path());
    options.background = false;
    let Opened { journal, .. } = Journal::open(options).unwrap();
    let admission = journal.admit(4096).unwrap();
    let call = append(&journal, Append::REQUEST, 500).unwrap().call;
    while append(&journal, Append::MOMENT, 60_000).is_ok() {}
    assert!(journal.is_behind(20 << 20), "nothing was synced");
    let what = Append::response(call).with_room(admission.room());
    append(&journal, what, 3000).unwrap();
}

/// Large segments that are settled wait to be removed together. When the disk is full they go, also while the collector is
/// away and nobody settles.
fn what_is_settled_goes_when_the_disk_is_full() {
    let fs = SimulatedFs::new(1, 512);
    let mut options = JournalOptions::new("/j");
    (options.background, options.segment_bytes) = (false, Some(4096 * KIB));
    options.fs = Arc::new(fs.clone());
    let Opened { journal, mut reader, mut settler, .. } = Journal::open(options).unwrap();
    let has_first = || fs.paths().iter().any(|path| path.ends_with("0000000001.seg"));
    let write = || {
        let taken = append(&journal, Append::MOMENT, 100 << 10);
        journal.commit().unwrap();
        journal.maintain();
        taken.is_ok()
    };
    // A segment has forty of them.
    assert!((0..60).all(|_| write()));
    let batch = reader.next(BatchLimits { records: 50, bytes: 64 << 20 }).unwrap();
    settler.settle(batch.entries.last().unwrap().sequence);
    assert!(has_first(), "it waits for more");
    fs.faults(|faults| faults.full = true);
    let taken = (0..200).take_while(|_| write()).count();
    assert!(taken < 200 && !has_first(), "{taken}");
}

/// Streams of dead processes wait with theirs as well. A process whose own stream has no room takes it from them, and goes on
/// where it would have refused.
fn what_is_settled_of_adopted_streams_goes_too() {
    let fs = SimulatedFs::new(1, 512);
    let mut options = JournalOptions::new("/j");
    (options.background, options.segment_bytes) = (false, Some(4096 * KIB));
    options.fs = Arc::new(fs.clone());
    let write = |journal: &Journal| {
        let taken = append(journal, Append::MOMENT, 100 << 10);
        journal.commit().unwrap();
        journal.maintain();
        taken.is_ok()
    };
    let Opened { journal: dead, .. } = Journal::open(options.clone()).unwrap();
    let first_of_dead = format!("{}/0000000001.seg", dead.stream());
    assert!((0..60).all(|_| write(&dead)));
    drop(dead);

    let Opened { journal, .. } = Journal::open(options.clone()).unwrap();
    let mut adopted = orphans(&options).unwrap().pop().unwrap().adopt(&options).unwrap().unwrap();
    let batch = adopted.reader.next(BatchLimits { records: 50, bytes: 64 << 20 }).unwrap();
    adopted.settler.settle(batch.entries.last().unwrap().sequence);
    let has_first = || fs.paths().iter().any(|path| path.ends_with(&first_of_dead));
    assert!(has_first(), "it waits for more");
    fs.faults(|faults| faults.full = true);
    let taken = (0..200).take_while(|_| write(&journal)).count();
    assert!(taken < 200 && !has_first(), "{taken}");
    // What was not settled is there.
    fs.faults(|faults| faults.full = false);
    let rest = adopted.reader.next(BatchLimits { records: 50, bytes: 64 << 20 }).unwrap();
    assert_eq!((rest.entries.len(), rest.entries[0].sequence), (10, 51));
}

/// Another process may need the room: what is settled goes soon, too, if nobody settles any more and this process has room.
fn what_is_settled_waits_for_more_a_moment_only() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(directory.path());
    options.segment_bytes = Some(4096 * KIB);
    let most = BatchLimits { records: 50, bytes: 64 << 20 };
    let wait_until_gone = |journal: &Journal| {
        let first = directory.path().join("streams").join(journal.stream().to_string()).join("0000000001.seg");
        let end = Instant::now() + Duration::from_secs(60);
        while first.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!first.exists(), "{}", first.display());
    };
    // A segment has forty of them.
    let fill = |journal: &Journal| {
        assert!((0..60).all(|_| append(journal, Append::MOMENT, 100 << 10).is_ok()));
        journal.commit().unwrap();
    };
    let mut unattended = options.clone();
    unattended.background = false;
    let dead = Journal::open(unattended).unwrap();
    fill(&dead.journal);
    drop(dead);

    let mut own = Journal::open(options.clone()).unwrap();
    fill(&own.journal);
    own.settler.settle(own.reader.next(most).unwrap().entries.last().unwrap().sequence);
    wait_until_gone(&own.journal);
    let mut adopted = orphans(&options).unwrap().pop().unwrap().adopt(&options).unwrap().unwrap();
    adopted.settler.settle(adopted.reader.next(most).unwrap().entries.last().unwrap().sequence);
    wait_until_gone(&adopted.journal);
}

/// The bound is kept, and a part of it is kept for alarms and for what was promised.
fn the_bound_holds_and_keeps_what_it_promised() {
    let fs = SimulatedFs::new(1, 512);
    let told = Arc::<Told>::default();
    let mut options = JournalOptions::new("/j");
    (options.background, options.segment_bytes, options.max_bytes) = (false, Some(64 * KIB), 256 * KIB);
    options.fs = Arc::new(fs);
    options.watcher = told.clone();
    let Opened { journal, mut reader, mut settler, .. } = Journal::open(options).unwrap();
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
        settler.settle(batch.entries.last().unwrap().sequence);
    }
    assert_eq!(read, taken + 1);
    journal.maintain();
    assert_eq!(told.of("journal_full"), (1, 1));
    assert!(append(&journal, Append::MOMENT, 900).is_ok());
}

/// Whatever takes the room: records, promises, streams of others.
fn pressure_says_how_much_can_still_be_taken() {
    const MAX: u64 = 1024 * KIB;
    for (others, promised) in [(0, 0), (3, 0), (0, 40), (2, 20)] {
        let mut options = JournalOptions::new("/j");
        (options.background, options.segment_bytes, options.max_bytes) = (false, Some(64 * KIB), MAX);
        options.fs = Arc::new(SimulatedFs::new(1, 4096));
        let _others: Vec<_> = (0..others).map(|_| Journal::open(options.clone()).unwrap()).collect();
        let Opened { journal, mut reader, mut settler, .. } = Journal::open(options).unwrap();
        let _promised: Vec<_> = (0..promised).map(|_| journal.admit(4000).unwrap()).collect();
        let mut seen = vec![(journal.pressure(), 0)];
        loop {
            let taken = journal.usage().pending_bytes;
            if journal.pressure() != seen[seen.len() - 1].0 {
                seen.push((journal.pressure(), taken));
            }
            match append(&journal, Append::MOMENT, 700) {
                Ok(_) => journal.commit().unwrap(),
                Err(JournalError::Full { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let all = journal.usage().pending_bytes;
        let levels: Vec<_> = seen.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [Pressure::Low, Pressure::Near, Pressure::Filling, Pressure::NearlyFull]);
        for ((level, taken), tenths) in seen[1..].iter().zip([4, 3, 1]) {
            // The last segment may be longer than what may wait is short of the bound, and its last bytes are kept for alarms.
            let (left, told) = (all - taken, MAX / 10 * tenths);
            assert!(
                left <= told + 64 * KIB && told <= left + 64 * KIB,
                "{level:?}: {left}, others {others}, promised {promised}"
            );
        }
        while let Some(batch) = reader.next(BatchLimits { records: 64, bytes: 1 << 20 }) {
            settler.settle(batch.entries.last().unwrap().sequence);
        }
        assert_eq!(journal.pressure(), Pressure::Low, "it is all free again");
    }
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
