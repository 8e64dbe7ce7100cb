//! A process that writes until it is killed, and one that looks what is left.

pub mod ships;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions, Kind, orphans};

use crate::simulated::Chance;

const WRITERS: u64 = 4;
const CHILD: &str = "AUDITRAIL_TEST_WRITES_TO";

/// `AUDITRAIL_KILL_ROUNDS` says how many, if it is set.
pub fn rounds(many: u64) {
    if let Ok(directory) = std::env::var(CHILD) {
        write_until_killed(Path::new(&directory));
    }
    let many = std::env::var("AUDITRAIL_KILL_ROUNDS").ok().and_then(|many| many.parse().ok()).unwrap_or(many);
    let directory = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(std::process::id().into());
    let mut acknowledged = 0;
    for _ in 0..many {
        acknowledged += round(directory.path(), &mut chance);
    }
    assert!(acknowledged > many * 10, "{acknowledged} records in {many} rounds prove nothing");
    eprintln!("{acknowledged} acknowledged records survived {many} kills");
}

fn round(directory: &Path, chance: &mut Chance) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["nothing_acknowledged_is_lost_by_kill", "--exact", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // One in eight dies anywhere in its start, the others when they have written enough, however long that takes.
    if chance.below(8) == 0 {
        std::thread::sleep(Duration::from_micros(chance.below(30_000)));
    } else {
        let enough = 16 + chance.below(1500);
        while acknowledged_in(directory) < enough {
            assert!(child.try_wait().unwrap().is_none(), "it writes until it is killed");
            std::thread::sleep(Duration::from_micros(chance.below(500)));
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let told = take_oracle(directory);
    let options = options(directory);
    let mut found = BTreeMap::new();
    for orphan in orphans(&options).unwrap() {
        let Some(mut adopted) = orphan.adopt(&options).unwrap() else { continue };
        let mut last = 0;
        append(&adopted.journal, Kind::Last, b"end");
        adopted.journal.commit().unwrap();
        while let Some(batch) = adopted.reader.next(BatchLimits { records: 512, bytes: 1 << 20 }) {
            for entry in &batch.entries {
                assert_eq!(entry.sequence, last + 1, "in order, without a gap");
                last = entry.sequence;
                if &entry.record[..] != b"end" {
                    let again = found.insert(id_of(&entry.record), entry.record.to_vec());
                    assert!(again.is_none(), "once");
                }
            }
            adopted.settler.settle(last);
        }
        assert!(adopted.journal.remove_if_done());
    }
    for id in &told {
        assert!(found.get(id).is_some_and(|record| *record == record_of(*id)), "{id:x} was acknowledged");
    }
    told.len() as u64
}

fn acknowledged_in(directory: &Path) -> u64 {
    let files = (0..WRITERS).map(|writer| directory.join(format!("oracle-{writer}")));
    files.filter_map(|file| fs::metadata(file).ok()).map(|file| file.len() / 8).sum()
}

/// What was acknowledged, by the files that the writers wrote it to.
fn take_oracle(directory: &Path) -> Vec<u64> {
    let mut told = Vec::new();
    for writer in 0..WRITERS {
        let path = directory.join(format!("oracle-{writer}"));
        let bytes = fs::read(&path).unwrap_or_default();
        told.extend(bytes.chunks_exact(8).map(|id| u64::from_le_bytes(id.try_into().unwrap())));
        fs::remove_file(&path).ok();
    }
    told
}

fn write_until_killed(directory: &Path) -> ! {
    let opened = Journal::open(options(directory)).unwrap();
    let mut opened = opened;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (journal, path) = (opened.journal.clone(), directory.join(format!("oracle-{writer}")));
            std::thread::spawn(move || {
                let mut oracle = fs::File::create(path).unwrap();
                for number in 0_u64.. {
                    let id = (number << 8) | writer;
                    if append(&journal, Kind::Moment, &record_of(id)) {
                        oracle.write_all(&id.to_le_bytes()).unwrap();
                    }
                }
            })
        })
        .collect();
    // Nothing is settled: all must come back.
    while opened.reader.next(BatchLimits { records: 64, bytes: 1 << 20 }).is_some() || !writers[0].is_finished() {}
    unreachable!("the writers never end")
}

fn append(journal: &Journal, kind: Kind, record: &[u8]) -> bool {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append { kind, ..Append::MOMENT }, &mut frame).is_ok()
}

fn options(directory: &Path) -> JournalOptions {
    let mut options = JournalOptions::new(directory.join("journal"));
    // Small ones, so that many are rolled and prepared when the process dies.
    options.segment_bytes = Some(256 << 10);
    options.max_bytes = 256 << 20;
    options
}

fn record_of(id: u64) -> Vec<u8> {
    let length = 8 + (id.wrapping_mul(0x9e37_79b9) >> 7) % 900;
    let mut record = id.to_le_bytes().to_vec();
    record.extend((8..length).map(|at| (id ^ at) as u8));
    record
}

fn id_of(record: &[u8]) -> u64 {
    u64::from_le_bytes(record[..8].try_into().unwrap())
}
