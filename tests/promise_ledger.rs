//! The last number of a stream is stored durably before any of its files is removed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test stops at what it did not expect, and shares modules with others"
)]

mod simulated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{
    Adopted, Append, BatchLimits, Event, HEADER, Inspection, Journal, JournalOptions, Kind, ProblemKind, Watcher,
    orphans,
};
use auditrail::record::StreamId;
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use bytes::Bytes;

use self::simulated::{Death, SimulatedFs};

const DIRECTORY: &str = "/state/journal";

/// The process dies in any operation of the removal, by a kill or with the power: the ledger has the last number, or every file
/// is there as it was.
#[test]
fn no_file_goes_before_the_ledger_has_the_last_number() {
    let (mut kept, mut gone) = (0, 0);
    for operations in 0..24 {
        for seed in 0..20 {
            for death in [Death::Kill, Death::PowerLoss] {
                let fs = SimulatedFs::new(seed * 100 + operations, 512);
                let options = options(&fs);
                let (stream, last) = die(&options, 1 + seed % 5);
                fs.restart(Death::Kill);
                let adopted = drained(&options, 1);
                // What may be gone of it later must have been durable before.
                fs.sync_dir_of(stream);
                let before = files_of(&fs, stream);
                fs.die_after(operations);
                let done = adopted.journal.remove_if_done();
                drop(adopted);
                fs.restart(death);
                let known = ledger(&fs).get(&stream).copied();
                match files_of(&fs, stream) == before {
                    true => kept += 1,
                    false => {
                        gone += 1;
                        assert_eq!(known, Some(last), "{operations} {seed} {death:?}");
                    }
                }
                assert!(!done || known == Some(last), "{operations} {seed} {death:?}");

                for adopted in
                    orphans(&options).unwrap().into_iter().filter_map(|orphan| orphan.adopt(&options).unwrap())
                {
                    assert!(finish(adopted, 1).journal.remove_if_done());
                }
                assert!(files_of(&fs, stream).is_empty());
                assert_eq!(ledger(&fs).get(&stream), Some(&last), "{operations} {seed} {death:?}");
            }
        }
    }
    assert!(kept > 100 && gone > 100, "{kept} {gone}");
}

/// A trail that ends, and the streams that it adopts; in a directory of an earlier version, too.
#[test]
fn every_stream_that_goes_is_in_it() {
    for is_old in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut options = JournalOptions::new(directory.path().join("journal"));
        options.background = false;
        let (dead, last) = die(&options, 3);
        let path = directory.path().join("journal/ledger");
        if is_old {
            std::fs::remove_file(&path).unwrap();
        }
        let builder = Trail::builder("ledger").environment(Environment::default()).directory(directory.path());
        let trail = builder.connector(Accepting).on_notice(|_| ()).start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(trail.flush(Duration::from_secs(120))).unwrap();
        drop(trail);
        let inspection = Inspection::of(&directory.path().join("journal")).unwrap();
        assert!(inspection.streams().unwrap().is_empty());
        let ledger = inspection.ledger().unwrap();
        assert_eq!((ledger.streams[0].stream, ledger.streams[0].last), (dead, last), "with the end that it got");
        // Started, stopped.
        assert_eq!((ledger.streams.len(), ledger.streams[1].last), (2, 2));
        inspection.check(|problem| panic!("{problem:?}"), |_, _| ()).unwrap();

        let mut bytes = std::fs::read(&path).unwrap();
        bytes[128 + 50] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let mut problems = Vec::new();
        inspection.check(|problem| problems.push((problem.kind, problem.offset)), |_, _| ()).unwrap();
        assert_eq!(problems, [(ProblemKind::LedgerDamaged, Some(128))]);
        assert_eq!(inspection.ledger().unwrap().streams.len(), 1, "the other is read");
    }
}

/// A disk without any room: streams that are done go all the same, and make some.
#[test]
fn a_full_disk_is_freed_of_streams_that_are_done() {
    let fs = SimulatedFs::new(1, 512);
    let options = options(&fs);
    let lasts: BTreeMap<_, _> = (0..100).map(|_| die(&options, 1)).collect();
    fs.restart(Death::Kill);
    for at in 0..lasts.len() {
        let adopted = drained(&options, 1);
        let stream = adopted.journal.stream();
        // Each that went has made room for others.
        fs.faults(|faults| faults.full = at % 7 != 6);
        assert!(adopted.journal.remove_if_done(), "{at}");
        fs.faults(|faults| faults.full = false);
        assert_eq!(ledger(&fs).get(&stream), lasts.get(&stream));
    }
    assert_eq!(ledger(&fs), lasts);
}

/// It is a directory, or of a later version: the streams stay, and that is said.
#[test]
fn where_it_cannot_be_written_the_stream_stays() {
    let ways: [fn(&Path); 2] = [
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[8] = 2;
            std::fs::write(path, bytes).unwrap();
        },
    ];
    for way in ways {
        let directory = tempfile::tempdir().unwrap();
        let told = Arc::<Told>::default();
        let mut options = JournalOptions::new(directory.path().join("journal"));
        (options.background, options.watcher) = (false, told.clone());
        let (stream, _) = die(&options, 3);
        way(&directory.path().join("journal/ledger"));
        let adopted = drained(&options, 3);
        assert!(!adopted.journal.remove_if_done());
        assert_eq!(*told.0.lock().unwrap(), ["journal_ledger_failed"]);
        drop(adopted);
        let left = Inspection::of(&options.directory).unwrap().streams().unwrap();
        assert_eq!(left, [stream]);
    }
}

#[derive(Debug, Default)]
struct Told(Mutex<Vec<&'static str>>);

impl Watcher for Told {
    fn happened(&self, event: Event) {
        if let Event::Degraded { error_type, .. } = event {
            self.0.lock().unwrap().push(error_type);
        }
    }
}

#[derive(Debug, Clone)]
struct Accepting;

impl Connector for Accepting {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(Self))
    }
}

impl Sink for Accepting {
    fn export(&self, _: Bytes) -> ExportFuture<'_> {
        Box::pin(async { Ok(Accepted::default()) })
    }
}

/// A process that dies with that many records; with how many there are once the stream has its end.
fn die(options: &JournalOptions, records: u64) -> (StreamId, u64) {
    let journal = Journal::open(options.clone()).unwrap().journal;
    (0..records).for_each(|_| append(&journal, Kind::Moment));
    journal.commit().unwrap();
    (journal.stream(), records + 1)
}

fn drained(options: &JournalOptions, batch: usize) -> Adopted {
    loop {
        // A child that another test is just starting may have a copy of the lock.
        if let Some(orphan) = orphans(options).unwrap().into_iter().next() {
            return finish(orphan.adopt(options).unwrap().unwrap(), batch);
        }
        std::thread::yield_now();
    }
}

/// Everything is settled, and the stream has its end.
fn finish(mut adopted: Adopted, records: usize) -> Adopted {
    if adopted.needs_end {
        append(&adopted.journal, Kind::Last);
    }
    adopted.journal.commit().unwrap();
    while let Some(batch) = adopted.reader.next(BatchLimits { records, bytes: 1 << 20 }) {
        adopted.settler.settle(batch.entries.last().unwrap().sequence);
    }
    adopted
}

fn append(journal: &Journal, kind: Kind) {
    let mut frame = vec![0; HEADER];
    // `LogRecord.severity_text`.
    frame.extend([0x1a, 1, b'x']);
    journal.append(Append { kind, ..Append::ALARM }, &mut frame).unwrap();
}

fn options(fs: &SimulatedFs) -> JournalOptions {
    let mut options = JournalOptions::new(DIRECTORY);
    (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(0));
    options
}

fn files_of(fs: &SimulatedFs, stream: StreamId) -> Vec<PathBuf> {
    let within = Path::new(DIRECTORY).join("streams").join(stream.to_string());
    let mut paths: Vec<_> =
        fs.paths().into_iter().filter(|path| path.starts_with(&within) && *path != within).collect();
    paths.sort();
    paths
}

/// What the ledger says, read by hand.
fn ledger(fs: &SimulatedFs) -> BTreeMap<StreamId, u64> {
    let content = fs.content(&Path::new(DIRECTORY).join("ledger")).unwrap_or_default();
    let entries = content.chunks_exact(128).skip(1).filter(|slot| slot[..4] == [128, 0, 0, 0x80]);
    let sound = entries.filter(|slot| crc32fast::hash(&slot[8..]).to_le_bytes() == slot[4..8]);
    sound
        .map(|slot| {
            let last = u64::from_le_bytes(slot[24..32].try_into().unwrap());
            (StreamId::from_bytes(slot[8..24].try_into().unwrap()), last)
        })
        .collect()
}

impl SimulatedFs {
    /// The entries of the stream's directory are durable.
    fn sync_dir_of(&self, stream: StreamId) {
        use auditrail::journal::Fs as _;
        self.sync_dir(&Path::new(DIRECTORY).join("streams").join(stream.to_string())).unwrap();
    }
}
