use std::fs;
use std::path::Path;

use crate::journal::directory::{Ledger, RemovedStream, note};
use crate::journal::disk::Disk;
use crate::journal::format::JournalPaths;
use crate::journal::options::JournalOptions;
use crate::record::StreamId;

/// Written by hand from `docs/format.md`.
fn entry(number: u64) -> Vec<u8> {
    let mut rest = Vec::from(id(number).to_bytes());
    rest.extend(number.to_le_bytes());
    rest.extend((number * 10).to_le_bytes());
    rest.extend([1, 0]);
    rest.resize(120, 0);
    let mut slot = vec![128, 0, 0, 0x80];
    slot.extend(crc32fast::hash(&rest).to_le_bytes());
    slot.extend(rest);
    slot
}

fn header(before: u64) -> Vec<u8> {
    let mut slot = b"auditled\x01\0\0\0\x80\0\0\0".to_vec();
    slot.extend(before.to_le_bytes());
    slot.resize(128, 0);
    let crc = crc32fast::hash(&slot);
    slot[124..].copy_from_slice(&crc.to_le_bytes());
    slot
}

fn file(before: u64, entries: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let mut bytes = header(before);
    bytes.extend(entries.flat_map(entry));
    bytes
}

fn id(number: u64) -> StreamId {
    StreamId::from_bytes((u128::from(number) << 64 | 0x7000).to_be_bytes())
}

struct At(tempfile::TempDir);

impl At {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn note(&self, number: u64) -> Result<(), String> {
        let options = JournalOptions::new(self.0.path());
        note(&options, &JournalPaths::new(self.0.path()), id(number), number).map_err(|error| error.to_string())
    }

    fn read(&self) -> Ledger {
        Ledger::read(&Disk::default(), &JournalPaths::new(self.0.path())).unwrap()
    }

    fn numbers(&self) -> Vec<u64> {
        let streams = self.read().streams;
        assert!(streams.iter().all(|removed| removed.stream == id(removed.last)));
        streams.iter().map(|removed| removed.last).collect()
    }
}

#[test]
fn it_has_the_bytes_of_the_format() {
    let at = At::new();
    at.note(7).unwrap();
    let mut bytes = fs::read(at.path("ledger")).unwrap();
    let unix_nano = u64::from_le_bytes(bytes[160..168].try_into().unwrap());
    assert_eq!(at.read().streams, [RemovedStream { stream: id(7), last: 7, unix_nano }]);
    assert!(bytes[256..].iter().all(|byte| *byte == 0) && bytes.len() & 4095 == 0, "{}", bytes.len());
    bytes.truncate(256);
    bytes[160..168].copy_from_slice(&70_u64.to_le_bytes());
    let crc = crc32fast::hash(&bytes[136..]);
    bytes[132..136].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(bytes, file(0, 7..=7));
    fs::write(at.path("ledger"), file(3, 1..=40)).unwrap();
    assert_eq!(at.numbers(), (1..=40).collect::<Vec<_>>());
    assert_eq!(at.read().dropped, 3);
}

#[test]
fn a_full_one_becomes_the_older_one() {
    let at = At::new();
    fs::write(at.path("ledger"), file(0, 1..=8190)).unwrap();
    at.note(8191).unwrap();
    assert!(!at.path("ledger.old").exists());
    at.note(8192).unwrap();
    assert_eq!(at.numbers(), (1..=8192).collect::<Vec<_>>());
    assert_eq!((at.read().dropped, at.read().damaged), (0, vec![]));

    fs::write(at.path("ledger"), file(8191, 8192..=16382)).unwrap();
    at.note(16383).unwrap();
    assert_eq!(at.numbers(), (8192..=16383).collect::<Vec<_>>());
    assert_eq!((at.read().dropped, at.read().damaged), (8191, vec![]));
    assert_eq!(fs::read(at.path("ledger")).unwrap()[..128], header(16382));
}

/// Whatever stands there stays, is told, and hides nothing else.
#[test]
fn damage_is_passed_over_and_left() {
    type Damage = (&'static str, fn(&mut Vec<u8>), u64);
    let damages: [Damage; 5] = [
        ("the header", |bytes| bytes[40] ^= 1, 0),
        ("an entry", |bytes| bytes[300] ^= 1, 256),
        ("the beginning of an entry", |bytes| bytes[256..260].fill(0), 256),
        ("garbage behind the last", |bytes| bytes.extend([0x5a; 100]), 6 * 128),
        ("garbage of more slots", |bytes| bytes[640..700].fill(0x5a), 640),
    ];
    for (what, damage, place) in damages {
        let at = At::new();
        let mut bytes = file(0, 1..=5);
        damage(&mut bytes);
        fs::write(at.path("ledger"), &bytes).unwrap();
        at.note(9).unwrap();
        let after = fs::read(at.path("ledger")).unwrap();
        assert_eq!(after[..bytes.len()], bytes, "{what}");
        assert_eq!(at.read().damaged, [(at.path("ledger"), place)], "{what}");
        let lost = (place > 0 && place < 768).then_some(place / 128);
        let wanted: Vec<_> = (1..=5).chain([9]).filter(|number| Some(*number) != lost).collect();
        assert_eq!(at.numbers(), wanted, "{what}");
    }
}

/// It was being written when its process was killed.
#[test]
fn an_entry_that_was_not_finished_is_no_damage() {
    for cut in [0, 4, 5, 60, 127] {
        let at = At::new();
        let mut unfinished = entry(6);
        unfinished[..4].fill(0);
        let bytes: Vec<_> = file(0, 1..=5).into_iter().chain(unfinished.into_iter().take(cut)).collect();
        fs::write(at.path("ledger"), bytes).unwrap();
        assert_eq!(at.numbers(), [1, 2, 3, 4, 5]);
        at.note(7).unwrap();
        assert_eq!((at.numbers(), at.read().damaged), (vec![1, 2, 3, 4, 5, 7], vec![]));
    }
}

#[test]
fn a_later_version_is_left_as_it_is() {
    let at = At::new();
    let mut bytes = file(0, 1..=5);
    bytes[8] = 2;
    fs::write(at.path("ledger"), &bytes).unwrap();
    assert!(at.note(6).unwrap_err().contains("version 2"));
    assert_eq!(fs::read(at.path("ledger")).unwrap(), bytes);
    assert_eq!(at.read().unknown, Some((at.path("ledger"), 2)));
}

/// A stream that a power loss brought back goes twice.
#[test]
fn a_stream_is_listed_once() {
    let at = At::new();
    for number in [1, 2, 1, 3] {
        at.note(number).unwrap();
    }
    assert_eq!(at.numbers(), [1, 2, 3]);
    assert_eq!(Path::new(&at.path("ledger")).metadata().unwrap().len() % 4096, 0);
}
