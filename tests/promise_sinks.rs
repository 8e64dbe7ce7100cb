//! Promise "Every sink": a record leaves the journal when every sink has it. Each sink gets the stream at its own pace and has a
//! cursor of its own, which a crash keeps.

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
#[path = "support/told.rs"]
mod told;

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use auditrail::journal::{
    Adopted, Append, BatchLimits, Disk, Event, Fs as _, HEADER, Inspection, Journal, JournalOptions, Kind, Opened,
    Quarantine, Reader, Refused, Sequence, Settler, SinkName, Sinks, orphans,
};

use self::simulated::{Death, SimulatedFs};
use self::told::Told;

const RECORDS: u64 = 300;
const LIMITS: BatchLimits = BatchLimits { records: 10, bytes: 1 << 20 };

#[test]
fn a_segment_goes_when_the_slowest_sink_has_it() {
    let (fs, options, told) = on_a_simulated_disk(7);
    let Opened { journal, mut reader, mut settler, mut others, .. } = Journal::open(options).unwrap();
    let mut slow = others.remove(0);
    assert_eq!((settler.sink(), slow.sink, slow.settler.sink()), (SinkName::OTLP, file(), file()));
    write(&journal, 1..=RECORDS);
    assert!(is_there(&fs, 1..=RECORDS));
    let segments = segments(&fs);
    assert!(segments > 4, "{segments}");

    assert_eq!(ship(&mut reader, &mut settler, RECORDS), all());
    assert!(
        is_settled_by(&journal, SinkName::OTLP, RECORDS),
        "whoever waits for this sink does not wait for the other"
    );
    assert!(!is_settled_by(&journal, file(), 1));
    assert!(!journal.settled_within(1, Duration::ZERO));
    assert_eq!(journal.usage().settled, 0);
    assert!(is_there(&fs, 1..=RECORDS), "the slow one needs all of it");

    let mut before = segments;
    for through in [100, 200, RECORDS] {
        ship(&mut slow.reader, &mut slow.settler, through);
        assert_eq!(journal.usage().settled, through);
        assert!(is_there(&fs, through + 1..=RECORDS));
        let left = self::segments(&fs);
        assert!(left < before, "{left} of {before} at {through}");
        before = left;
    }
    assert!(journal.settled_within(RECORDS, Duration::ZERO));
    assert_eq!(before, 1, "the one that is written to");
    end(&journal);
    ship(&mut reader, &mut settler, RECORDS + 1);
    assert!(!journal.remove_if_done(), "the slow one needs the end, too");
    ship(&mut slow.reader, &mut slow.settler, RECORDS + 1);
    assert!(journal.remove_if_done());
    assert!(streams(&fs).is_empty(), "{:?}", fs.paths());
    assert!(told.0.lock().unwrap().is_empty(), "{told:?}");
}

#[test]
fn a_crash_keeps_the_cursor_of_each_sink() {
    for (death, seed) in
        [Death::Kill, Death::PowerLoss].into_iter().flat_map(|death| (1..=8).map(move |seed| (death, seed)))
    {
        let (fs, options, told) = on_a_simulated_disk(seed);
        let Opened { journal, mut reader, mut settler, mut others, .. } = Journal::open(options.clone()).unwrap();
        let mut slow = others.remove(0);
        write(&journal, 1..=RECORDS);
        ship(&mut reader, &mut settler, 250);
        ship(&mut slow.reader, &mut slow.settler, 140);
        assert!(!is_there(&fs, 1..=100), "a segment went");
        fs.restart(death);

        let Adopted { journal, mut reader, mut settler, mut others, .. } = adopt(&options);
        let mut slow = others.remove(0);
        end(&journal);
        let fast = ship(&mut reader, &mut settler, RECORDS + 1);
        let slow = ship(&mut slow.reader, &mut slow.settler, RECORDS + 1);
        for (numbers, settled) in [(fast, 250), (slow, 140)] {
            let first = numbers[0];
            assert_eq!(numbers, (first..=RECORDS + 1).collect::<Vec<_>>(), "{death:?}");
            // A cursor is synced only before a segment goes.
            assert!(
                first == settled + 1 || death == Death::PowerLoss && first <= settled,
                "{death:?}: {first}, {settled}"
            );
        }
        assert!(journal.remove_if_done());
        assert!(lost(&told).is_empty(), "{death:?}: {told:?}");
    }
}

/// Of an earlier version, or before the sink was there. Nobody owes it what had gone before.
#[test]
fn a_sink_that_is_new_gets_what_is_there() {
    for settled in [0, 140, RECORDS] {
        let (fs, mut options, told) = on_a_simulated_disk(5);
        options.sinks = Sinks::default();
        let Opened { journal, mut reader, mut settler, .. } = Journal::open(options.clone()).unwrap();
        write(&journal, 1..=RECORDS);
        ship(&mut reader, &mut settler, settled);
        let names: Vec<_> = streams(&fs).into_iter().filter(|name| name.contains("cursor")).collect();
        assert_eq!(names.len(), 1, "as always: {names:?}");
        assert!(names[0].ends_with("/cursor"), "{names:?}");
        let there = (1..=RECORDS).find(|first| is_there(&fs, *first..=RECORDS)).unwrap();
        fs.restart(Death::Kill);

        options.sinks = Sinks::default().and(file());
        let Adopted { journal, mut reader, mut settler, mut others, .. } = adopt(&options);
        let mut new = others.remove(0);
        end(&journal);
        assert_eq!(ship(&mut reader, &mut settler, RECORDS + 1), (settled + 1..=RECORDS + 1).collect::<Vec<_>>());
        let of_new = ship(&mut new.reader, &mut new.settler, RECORDS + 1);
        assert_eq!(of_new, (there..=RECORDS + 1).collect::<Vec<_>>());
        assert!(journal.remove_if_done());
        assert!(lost(&told).is_empty(), "{told:?}");
    }
}

/// What is gone is lost for a sink that was owed it.
#[test]
fn a_sink_that_is_new_is_owed_nothing_where_no_segment_is_left() {
    for settled in [250, RECORDS] {
        let (fs, mut options, told) = on_a_simulated_disk(5);
        options.sinks = Sinks::default();
        let Opened { journal, mut reader, mut settler, .. } = Journal::open(options.clone()).unwrap();
        write(&journal, 1..=RECORDS);
        ship(&mut reader, &mut settler, settled);
        segment_paths(&fs).iter().for_each(|path| fs.remove(path).unwrap());
        fs.restart(Death::Kill);
        told.0.lock().unwrap().clear();

        options.sinks = Sinks::default().and(file());
        let adopted = orphans(&options).unwrap().pop().unwrap().adopt(&options).unwrap();
        let Some(Adopted { journal, mut reader, mut settler, mut others, .. }) = adopted else {
            assert_eq!((settled, lost(&told)), (RECORDS, Vec::new()), "there was nothing in it");
            continue;
        };
        let mut new = others.remove(0);
        end(&journal);
        assert_eq!(ship(&mut reader, &mut settler, RECORDS + 1), [RECORDS + 1]);
        assert_eq!(ship(&mut new.reader, &mut new.settler, RECORDS + 1), [RECORDS + 1]);
        assert!(journal.remove_if_done());
        assert_eq!(lost(&told), [(settled + 1, RECORDS)]);
    }
}

#[test]
fn a_sink_that_is_none_any_more_is_not_waited_for() {
    let (fs, mut options, told) = on_a_simulated_disk(5);
    write(&Journal::open(options.clone()).unwrap().journal, 1..=RECORDS);
    fs.restart(Death::Kill);
    options.sinks = Sinks::default();
    let Adopted { journal, mut reader, mut settler, others, dropped, .. } = adopt(&options);
    assert!(others.is_empty());
    assert_eq!(dropped, [(file(), RECORDS)], "what it does not have is known");
    end(&journal);
    ship(&mut reader, &mut settler, RECORDS + 1);
    assert!(journal.remove_if_done());
    assert!(streams(&fs).is_empty(), "its cursor, too: {:?}", fs.paths());
    assert!(lost(&told).is_empty(), "{told:?}");
}

/// Each sink comes by the damage; the operator hears of it once.
#[test]
fn a_lost_record_is_told_once() {
    let (fs, options, told) = on_a_simulated_disk(5);
    let Opened { journal, mut reader, mut settler, mut others, .. } = Journal::open(options).unwrap();
    let mut slow = others.remove(0);
    write(&journal, 1..=RECORDS);
    let damaged = |number: u64| {
        let record = record(number);
        let holds =
            |path: &std::path::PathBuf| fs.content(path).is_some_and(|content| find(&content, &record).is_some());
        let segment = fs.paths().into_iter().find(holds).unwrap();
        let mut content = fs.content(&segment).unwrap();
        let at = find(&content, &record).unwrap();
        content[at + 500] ^= 1;
        fs.overwrite(&segment, &content);
    };
    damaged(20);
    ship(&mut reader, &mut settler, 100);
    // The other one misses more: what only it misses is told, too.
    damaged(21);
    damaged(60);
    let numbers = ship(&mut slow.reader, &mut slow.settler, 100);
    let missing: Vec<_> = (1..=100).filter(|number| !numbers.contains(number)).collect();
    assert_eq!(missing, [20, 21, 60]);
    assert_eq!(lost(&told), [(20, 20), (21, 21), (60, 60)]);
}

/// Four threads, as it is with a thread that seals: each handle is on one of its own, and nothing is settled out of order.
#[test]
fn handles_are_used_on_threads_of_their_own() {
    const MANY: u64 = 3000;
    let directory = tempfile::tempdir().unwrap();
    let told = Arc::new(Told::default());
    let mut options = JournalOptions::new(directory.path());
    (options.segment_bytes, options.sinks) = (Some(64 << 10), Sinks::default().and(file()));
    options.watcher = told.clone();
    let Opened { journal, reader, settler, others, keeper, .. } = Journal::open(options).unwrap();
    let handles = others.into_iter().map(|other| (other.reader, other.settler)).chain([(reader, settler)]);
    std::thread::scope(|scope| {
        for (mut reader, mut settler) in handles {
            let (read, to_settle) = channel();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let mut next = 1;
                while next <= MANY {
                    runtime.block_on(reader.readable());
                    while let Some(batch) = reader.next(LIMITS) {
                        for entry in &batch.entries {
                            assert_eq!((entry.sequence, &entry.record[..]), (next, &record(next)[..]));
                            next += 1;
                        }
                        read.send(next - 1).unwrap();
                    }
                }
            });
            scope.spawn(move || to_settle.into_iter().for_each(|last| settler.settle(last)));
        }
        for number in 1..=MANY {
            append(&journal, Append::MOMENT, number);
        }
        journal.commit().unwrap();
    });
    assert_eq!(journal.usage().settled, MANY);
    drop(keeper);
    end(&journal);
    assert!(told.0.lock().unwrap().is_empty(), "{told:?}");
}

#[test]
fn each_sink_has_its_own_files_of_quarantine_and_inspections_know_its_cursor() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(directory.path());
    (options.background, options.segment_bytes) = (false, Some(64 << 10));
    options.sinks = Sinks::default().and(file());
    let opened = Journal::open(options).unwrap();
    write(&opened.journal, 1..=50);
    let handles = opened.others.into_iter().map(|other| (other.reader, other.settler));
    for ((mut reader, mut settler), through) in handles.chain([(opened.reader, opened.settler)]).zip([20, 30]) {
        let batch = reader.next(LIMITS).unwrap();
        let sink = settler.sink();
        let refused = Refused { entries: &batch.entries, refused: 10, reason: sink.as_str() };
        settler.quarantine(refused).unwrap();
        settler.settle(10);
        ship(&mut reader, &mut settler, through);
    }
    let stream = opened.journal.stream();
    drop(opened.journal);

    let quarantine = Quarantine::of(Arc::new(Disk::default()), directory.path());
    let names = quarantine.names().unwrap();
    assert_eq!(names, [format!("{stream}-{:020}", 1), format!("{stream}-{:020}-file", 1)]);
    for (name, sink) in names.iter().zip([SinkName::OTLP, file()]) {
        let kept = quarantine.read(name).unwrap();
        assert_eq!((kept.shipped_to, kept.reason.as_str(), kept.entries.len()), (Some(sink), sink.as_str(), 10));
    }
    let inspection = Inspection::of(directory.path()).unwrap();
    inspection.check(|problem| panic!("{problem:?}"), |_, _| ()).unwrap();
    let stat = inspection.stat().unwrap();
    assert_eq!((stat.streams[0].settled, stat.streams[0].pending()), (20, 30), "what the slowest has");
    let sinks: Vec<_> = stat.streams[0].sinks.iter().map(|sink| (sink.sink, sink.settled, sink.pending)).collect();
    assert_eq!(sinks, [(SinkName::OTLP, 30, 20), (file(), 20, 30)]);
    std::fs::write(directory.path().join(format!("streams/{stream}/cursor-file")), b"auditcur and no more").unwrap();
    let mut problems = Vec::new();
    inspection.check(|problem| problems.push(problem), |_, _| ()).unwrap();
    assert!(
        problems.iter().all(|problem| problem.path.ends_with("cursor-file")) && problems.len() == 1,
        "{problems:?}"
    );
}

#[test]
fn names_of_sinks_are_names_of_files() {
    assert_eq!(SinkName::new("otlp"), Some(SinkName::OTLP));
    assert_eq!(SinkName::new("a-sink-of-sixteen").map(|name| name.to_string()), None);
    assert_eq!(SinkName::new("sink-of-sixteen0").unwrap().as_str(), "sink-of-sixteen0");
    for name in ["", "File", "a/b", "a.b", "-a", "1a", "a b", "\u{e4}", "a\0"] {
        assert_eq!(SinkName::new(name), None, "{name:?}");
    }
    let sinks = Sinks::default().and(file()).and(SinkName::OTLP);
    assert_eq!(sinks.iter().collect::<Vec<_>>(), [SinkName::OTLP, file()]);
}

fn file() -> SinkName {
    SinkName::new("file").unwrap()
}

/// With two sinks, segments that hold some sixty records, and nothing in the background.
fn on_a_simulated_disk(seed: u64) -> (SimulatedFs, JournalOptions, Arc<Told>) {
    let (fs, told) = (SimulatedFs::new(seed, 512), Arc::new(Told::default()));
    let mut options = JournalOptions::new("/j");
    (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(64 << 10));
    options.watcher = told.clone();
    options.sinks = Sinks::default().and(file());
    (fs, options, told)
}

fn adopt(options: &JournalOptions) -> Adopted {
    orphans(options).unwrap().pop().unwrap().adopt(options).unwrap().unwrap()
}

fn write(journal: &Journal, numbers: RangeInclusive<u64>) {
    numbers.for_each(|number| append(journal, Append::MOMENT, number));
    journal.commit().unwrap();
}

fn append(journal: &Journal, what: Append, number: u64) {
    let mut frame = vec![0; HEADER];
    frame.extend(record(number));
    assert_eq!(journal.append(what, &mut frame).unwrap().sequence, number);
}

fn end(journal: &Journal) {
    let number = journal.usage().appended + 1;
    append(journal, Append { kind: Kind::Last, ..Append::ALARM }, number);
    journal.commit().unwrap();
}

/// A thousand bytes that no other record has.
fn record(number: u64) -> Vec<u8> {
    format!("<record {number}>").into_bytes().into_iter().cycle().take(1000).collect()
}

/// Reads and settles up to that record; gives the numbers that were read.
fn ship(reader: &mut Reader, settler: &mut Settler, through: Sequence) -> Vec<Sequence> {
    let mut numbers = Vec::new();
    while numbers.last().copied().unwrap_or(0) < through {
        let Some(batch) = reader.next(LIMITS) else { break };
        for entry in &batch.entries {
            assert_eq!(entry.record, record(entry.sequence));
        }
        numbers.extend(batch.entries.iter().map(|entry| entry.sequence));
        settler.settle(*numbers.last().unwrap());
    }
    numbers
}

fn all() -> Vec<Sequence> {
    (1..=RECORDS).collect()
}

/// Whether a wait for that sink ends now.
fn is_settled_by(journal: &Journal, sink: SinkName, through: Sequence) -> bool {
    let mut wait = std::pin::pin!(journal.settled_by(sink, through));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    wait.as_mut().poll(&mut context).is_ready()
}

/// Whether the bytes of all these records stand in segments.
fn is_there(fs: &SimulatedFs, numbers: RangeInclusive<u64>) -> bool {
    let contents: Vec<_> = segment_paths(fs).iter().map(|path| fs.content(path).unwrap()).collect();
    let mut records = numbers.map(record);
    records.all(|record| contents.iter().any(|content| find(content, &record).is_some()))
}

fn find(content: &[u8], record: &[u8]) -> Option<usize> {
    // Frames begin at multiples of 32, and so do payloads.
    (0..content.len().saturating_sub(record.len())).step_by(32).find(|at| content[*at..].starts_with(record))
}

fn segments(fs: &SimulatedFs) -> usize {
    // One that is ready has nothing in it.
    segment_paths(fs).iter().filter(|path| fs.content(path).unwrap().iter().any(|byte| *byte != 0)).count()
}

fn segment_paths(fs: &SimulatedFs) -> Vec<std::path::PathBuf> {
    fs.paths().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect()
}

/// What there is of streams.
fn streams(fs: &SimulatedFs) -> Vec<String> {
    let is_of_stream = |path: &std::path::PathBuf| path.starts_with("/j/streams") && path != Path::new("/j/streams");
    fs.paths().into_iter().filter(is_of_stream).map(|path| path.display().to_string()).collect()
}

/// The ranges that were told to be lost.
fn lost(told: &Told) -> Vec<(Sequence, Sequence)> {
    let of = |event: &Event| match event {
        Event::Lost { first, last, .. } => Some((*first, *last)),
        _ => None,
    };
    told.0.lock().unwrap().iter().filter_map(of).collect()
}
