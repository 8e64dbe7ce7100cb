//! A process that ships while it writes, adopts what the ones before left, and is killed over and over: in the middle of
//! settling, of writing cursors, of removing segments, and of adoptions.
//!
//! The collector is a file, which outlives the process: it has what a `write` of the process has put there, and whatever
//! stands there was answered. So the oracle is what the writers wrote down as acknowledged, against what the file has once
//! somebody has drained the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auditrail::journal::{
    Adopted, Append, BatchLimits, HEADER, Journal, JournalOptions, Kind, Opened, Reader, Receipt, Settler, orphans,
};

use super::{WRITERS, id_of, record_of};
use crate::simulated::Chance;

const CHILD: &str = "AUDITRAIL_TEST_SHIPS_FROM";
const ROUND: &str = "AUDITRAIL_TEST_ROUND";
const TEST: &str = "nothing_is_lost_or_given_twice_by_kills_while_segments_go";
/// Rounds whose streams are adopted by the next process; then it is looked what there is.
const BETWEEN_LOOKS: u64 = 4;

/// `AUDITRAIL_KILL_ROUNDS` says how many, if it is set.
pub fn rounds(many: u64) {
    if let Ok(directory) = std::env::var(CHILD) {
        let round = std::env::var(ROUND).unwrap().parse().unwrap();
        ship_until_killed(Path::new(&directory), round);
    }
    let many = std::env::var("AUDITRAIL_KILL_ROUNDS").ok().and_then(|many| many.parse().ok()).unwrap_or(many);
    let directory = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(std::process::id().into());
    let (mut acknowledged, mut again) = (0, 0);
    for round in 0..many {
        kill_one(directory.path(), round, &mut chance);
        if round % BETWEEN_LOOKS == BETWEEN_LOOKS - 1 || round == many - 1 {
            drain_all(directory.path(), &mut chance);
            let (told, twice) = check(directory.path());
            acknowledged += told;
            again += twice;
        }
    }
    assert!(acknowledged > many * 10, "{acknowledged} records in {many} rounds prove nothing");
    eprintln!("{acknowledged} acknowledged records survived {many} kills, {again} were sent again");
}

/// Starts one, and kills it at some moment.
fn kill_one(directory: &Path, round: u64, chance: &mut Chance) {
    let before = acknowledged_in(directory);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(CHILD, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    match chance.below(4) {
        // In its start, or while it adopts.
        0 => std::thread::sleep(Duration::from_micros(chance.below(60_000))),
        // When it has written enough.
        1 => {
            let enough = before + 16 + chance.below(1500);
            wait_until(&mut child, chance, || acknowledged_in(directory) >= enough);
        }
        // When some segments of a stream have gone.
        _ => {
            let gone = 2 + chance.below(6);
            wait_until(&mut child, chance, || first_segments(directory).any(|first| first > gone));
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had not written whole, the collector has not taken.
    let sink = directory.join("sink");
    let (_, whole) = parse(&fs::read(&sink).unwrap_or_default());
    File::options().create(true).truncate(false).write(true).open(sink).unwrap().set_len(whole).unwrap();
}

fn wait_until(child: &mut Child, chance: &mut Chance, is_so: impl Fn() -> bool) {
    while !is_so() {
        assert!(child.try_wait().unwrap().is_none(), "it writes until it is killed");
        std::thread::sleep(Duration::from_micros(chance.below(500)));
    }
}

/// All that was acknowledged is there, as it was, in a stream without holes; every call has one answer. Says how many were
/// acknowledged, and how many were sent again. The next rounds begin anew.
fn check(directory: &Path) -> (u64, u64) {
    let bytes = fs::read(directory.join("sink")).unwrap();
    let (entries, _) = parse(&bytes);
    let mut streams = BTreeMap::<[u8; 16], BTreeMap<u64, &[u8]>>::new();
    let mut again = 0;
    for entry in &entries {
        let before = streams.entry(entry.stream).or_default().insert(entry.sequence, entry.record);
        again += u64::from(before.is_some());
        assert!(before.is_none_or(|before| before == entry.record), "number {} is given twice", entry.sequence);
    }
    let mut found = BTreeMap::new();
    for records in streams.values() {
        let last = records.len() as u64;
        assert!(records.keys().copied().eq(1..=last), "numbers are missing: {:?}", records.keys());
        let ends: Vec<_> = records.iter().filter(|(_, record)| **record == END).map(|(number, _)| *number).collect();
        assert_eq!(ends, [last], "it ends once");
        for record in records.values().filter(|record| **record != END) {
            assert!(found.insert(id_of(record), *record).is_none(), "a record has two numbers");
        }
    }
    let ids: BTreeSet<u64> = found.keys().copied().collect();
    for request in ids.iter().filter(|id| Tag::of(**id) == Tag::Request) {
        let answers = [Tag::Response, Tag::Interrupted].map(|tag| ids.contains(&tag.on(*request)));
        assert!(answers[0] != answers[1], "{request:x} has one answer, not {answers:?}");
    }
    let mut told = 0;
    for writer in 0..WRITERS {
        let path = oracle(directory, writer);
        for id in fs::read(&path).unwrap_or_default().chunks_exact(8) {
            let id = u64::from_le_bytes(id.try_into().unwrap());
            assert!(found.get(&id).is_some_and(|record| **record == record_of(id)), "{id:x} was acknowledged");
            told += 1;
        }
        fs::remove_file(path).ok();
    }
    assert_eq!(fs::read_dir(directory.join("journal/streams")).unwrap().count(), 0, "all is settled");
    fs::remove_file(directory.join("sink")).unwrap();
    (told, again)
}

/// Adopts, answers, ends and ships what others have left.
fn drain_all(directory: &Path, chance: &mut Chance) {
    let mut sink = open_sink(directory);
    for orphan in orphans(&options(directory)).unwrap() {
        let Some(mut adopted) = orphan.adopt(&options(directory)).unwrap() else { continue };
        finish(&adopted);
        while ship((&mut adopted.reader, &mut adopted.settler), &mut sink, chance) {}
        assert!(adopted.journal.remove_if_done());
    }
}

/// Each may be killed before the next.
fn finish(adopted: &Adopted) {
    for open in &adopted.open {
        let answer = record_of(Tag::Interrupted.on(id_of(&open.request)));
        append(&adopted.journal, Append::response(Some(open.call)), &answer);
    }
    if adopted.needs_end {
        append(&adopted.journal, Append { kind: Kind::Last, ..Append::MOMENT }, END);
    }
    adopted.journal.commit().unwrap();
}

/// One batch; settled when the collector has it.
fn ship((reader, settler): (&mut Reader, &mut Settler), sink: &mut File, chance: &mut Chance) -> bool {
    let records = 1 + usize::try_from(chance.below(100)).unwrap();
    let Some(batch) = reader.next(BatchLimits { records, bytes: 1 << 20 }) else { return false };
    let mut bytes = Vec::new();
    for entry in &batch.entries {
        bytes.extend(u32::try_from(entry.record.len()).unwrap().to_le_bytes());
        bytes.extend(reader.stream().to_bytes());
        bytes.extend(entry.sequence.to_le_bytes());
        bytes.extend(&entry.record);
    }
    sink.write_all(&bytes).unwrap();
    settler.settle(batch.entries.last().unwrap().sequence);
    true
}

fn ship_until_killed(directory: &Path, round: u64) -> ! {
    let mut chance = Chance::new(round);
    drain_all(directory, &mut chance);
    let Opened { journal, mut reader, mut settler, keeper: _keeper, .. } = Journal::open(options(directory)).unwrap();
    for writer in 0..WRITERS {
        let (journal, path) = (journal.clone(), oracle(directory, writer));
        std::thread::spawn(move || write(&journal, &path, round << 40 | writer));
    }
    let mut sink = open_sink(directory);
    loop {
        if !ship((&mut reader, &mut settler), &mut sink, &mut chance) {
            std::thread::yield_now();
        }
    }
}

/// Records that stand alone, and calls that are open for a while.
fn write(journal: &Journal, oracle: &Path, of: u64) -> ! {
    let mut oracle = File::options().create(true).append(true).open(oracle).unwrap();
    let mut open = None;
    let mut number = 0;
    loop {
        number += 1;
        let id = of | number << 8;
        let (what, id) = match (number % 16, open.take()) {
            (0, Some((call, request))) => (Append::response(Some(call)), Tag::Response.on(request)),
            (5, None) => (Append::REQUEST, Tag::Request.on(id)),
            (_, before) => {
                open = before;
                (Append::MOMENT, id)
            }
        };
        // A full journal is no fault: what is not taken is not written down.
        if let Some(receipt) = append(journal, what, &record_of(id)) {
            open = receipt.call.map(|call| (call, id)).or(open);
            oracle.write_all(&id.to_le_bytes()).unwrap();
        }
    }
}

/// What a record is; the rest of its id is that of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Moment,
    Request,
    Response,
    /// The answer of an adopter.
    Interrupted,
}

impl Tag {
    const fn on(self, id: u64) -> u64 {
        id & (u64::MAX >> 8) | (self as u64) << 56
    }

    fn of(id: u64) -> Self {
        let all = [Self::Moment, Self::Request, Self::Response, Self::Interrupted];
        all.into_iter().find(|tag| *tag as u64 == id >> 56).unwrap()
    }
}

/// What the collector has, and how long that is.
fn parse(mut bytes: &[u8]) -> (Vec<Entry<'_>>, u64) {
    let (mut entries, whole) = (Vec::new(), bytes.len());
    while let Some((head, rest)) = bytes.split_first_chunk::<28>() {
        let length = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
        let Some((record, rest)) = rest.split_at_checked(length) else { break };
        let stream = head[4..20].try_into().unwrap();
        let sequence = u64::from_le_bytes(head[20..].try_into().unwrap());
        entries.push(Entry { stream, sequence, record });
        bytes = rest;
    }
    (entries, (whole - bytes.len()) as u64)
}

struct Entry<'b> {
    stream: [u8; 16],
    sequence: u64,
    record: &'b [u8],
}

fn append(journal: &Journal, what: Append, record: &[u8]) -> Option<Receipt> {
    journal.append(what, &mut [&[0; HEADER], record].concat()).ok()
}

/// The number of the first segment of each stream.
fn first_segments(directory: &Path) -> impl Iterator<Item = u64> {
    let streams = fs::read_dir(directory.join("journal/streams")).into_iter().flatten();
    streams.filter_map(|stream| {
        let names =
            fs::read_dir(stream.ok()?.path()).ok()?.filter_map(|name| name.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".seg")?.parse().ok()).min()
    })
}

fn acknowledged_in(directory: &Path) -> u64 {
    let lengths = (0..WRITERS).filter_map(|writer| fs::metadata(oracle(directory, writer)).ok());
    lengths.map(|file| file.len() / 8).sum()
}

fn oracle(directory: &Path, writer: u64) -> PathBuf {
    directory.join(format!("oracle-{writer}"))
}

fn open_sink(directory: &Path) -> File {
    File::options().create(true).append(true).open(directory.join("sink")).unwrap()
}

fn options(directory: &Path) -> JournalOptions {
    let mut options = JournalOptions::new(directory.join("journal"));
    // As small as they may be, so that one goes every few batches.
    options.segment_bytes = Some(64 << 10);
    options.max_bytes = 64 << 20;
    options
}

const END: &[u8] = b"end";
