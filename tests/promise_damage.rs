//! Damage on the disk is found, set aside and reported, never accepted, and never stops what follows.

#![allow(
    clippy::cast_possible_truncation,
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

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditrail::journal::{
    Append, BatchLimits, Event, HEADER, Journal, JournalError, JournalOptions, Kind, Opened, Quarantine, orphans,
};

use self::simulated::{Death, SimulatedFs};
use self::told::Told;

/// The files of a stream of three segments, and its records.
struct Template {
    files: BTreeMap<PathBuf, Vec<u8>>,
    records: Vec<Vec<u8>>,
}

/// What came of an adoption.
struct Came {
    records: BTreeMap<u64, Vec<u8>>,
    lost: Vec<u64>,
    quarantined: usize,
    /// The number of the record that ended the stream.
    end: u64,
}

/// Row 7: every byte of every header, and of payloads each 67th; with `AUDITRAIL_EVERY_BYTE`, every byte.
#[test]
fn each_flipped_byte_costs_one_frame_at_most_and_is_reported() {
    let template = template();
    let segments: Vec<&PathBuf> = template.files.keys().filter(|path| is_segment(path)).collect();
    assert_eq!(segments.len(), 3);
    let mut flips = 0;
    for path in segments {
        for at in flipped(&template.files[path]) {
            let mask = if at % 2 == 0 { 0xff } else { 0x01 };
            let came = adopt(&template, |file, content| {
                if file == path {
                    content[at] ^= mask;
                }
            })
            .unwrap();
            check(&template, &came, at, path);
            flips += 1;
        }
    }
    assert!(flips > 2_000, "{flips}");
}

fn check(template: &Template, came: &Came, at: usize, path: &Path) {
    let place = || format!("byte {at} of {}", path.display());
    for (sequence, record) in &came.records {
        let index = usize::try_from(*sequence).unwrap() - 1;
        assert_eq!(template.records.get(index), Some(record), "record {sequence} is wrong: {}", place());
    }
    let missing: Vec<u64> =
        (1..=template.records.len() as u64).filter(|number| !came.records.contains_key(number)).collect();
    assert!(missing.len() <= 1, "{missing:?} are missing: {}", place());
    assert!(missing.iter().all(|number| came.lost.contains(number)), "{missing:?} not reported: {}", place());
    assert!(missing.is_empty() || came.quarantined == 1, "{} in quarantine: {}", came.quarantined, place());
}

/// Row 8: what hostile or torn bytes can stand at the end.
#[test]
fn whatever_stands_behind_the_last_frame_ends_the_stream() {
    let template = template();
    let last = template.files.keys().rfind(|path| is_segment(path)).unwrap().clone();
    let used = used(&template.files[&last]);
    let mut tails: Vec<Vec<u8>> = vec![vec![0; 64], vec![0xff; 4096], vec![1; 100], Vec::new()];
    for length in [0_u32, 1, 31, 4096, 1 << 20, (1 << 31) - 1, 1 << 31, u32::MAX] {
        let mut header = [0_u8; 32];
        header[..4].copy_from_slice(&length.to_le_bytes());
        tails.push(header.to_vec());
        let crc = crc32fast::hash(&header[..28]);
        header[28..].copy_from_slice(&crc.to_le_bytes());
        tails.push(header.to_vec());
    }
    // A frame of an earlier place, as an old block of the disk would have it.
    tails.push(template.files[&last][128..1500].to_vec());
    for tail in tails {
        for cut in [true, false] {
            let came = adopt(&template, |file, content| {
                if *file == last {
                    content[used..used + tail.len()].copy_from_slice(&tail);
                    if cut {
                        content.truncate(used + tail.len());
                    }
                }
            })
            .unwrap();
            for (index, record) in template.records.iter().enumerate() {
                assert_eq!(came.records.get(&(index as u64 + 1)), Some(record), "{tail:?}");
            }
            assert_eq!(came.records.len(), template.records.len(), "{tail:?}");
        }
    }
}

/// Bytes by chance: never a panic, never a record that was not written.
#[test]
fn any_bytes_are_read_in_bounded_memory() {
    let template = template();
    let mut chance = simulated::Chance::new(11);
    for _ in 0..300 {
        let mut change = chance.clone();
        chance.next();
        let came = adopt(&template, |_, content| {
            let from = change.below(content.len() as u64) as usize;
            let to = (from + change.below(5000) as usize).min(content.len());
            match change.below(3) {
                0 => content[from..to].iter_mut().for_each(|byte| *byte = change.next() as u8),
                1 => content[from..to].fill(0),
                _ => content.truncate(from),
            }
        });
        // Without any header it is unknown whose records they are, and it says so.
        let Ok(came) = came else { continue };
        for (sequence, record) in &came.records {
            assert_eq!(template.records.get(usize::try_from(*sequence).unwrap() - 1), Some(record));
        }
    }
}

/// What becomes of the bytes of a file from an offset on.
type Harm = fn(&mut Vec<u8>, usize);

/// What a bad block of a disk does to it.
const BLOCKS: [(&str, Harm); 3] = [
    ("zeroed", |content, at| content.iter_mut().skip(at).take(BLOCK).for_each(|byte| *byte = 0)),
    ("garbage", |content, at| {
        let mut chance = simulated::Chance::new(at as u64);
        content.iter_mut().skip(at).take(BLOCK).for_each(|byte| *byte = chance.next() as u8);
    }),
    ("cut", |content, at| content.truncate(at)),
];
const BLOCK: usize = 4096;

/// Row 22: each block of each segment, headers included. What does not come is told, and no number comes twice.
#[test]
fn what_a_bad_block_takes_is_told() {
    let template = template();
    for (path, content) in template.files.iter().filter(|(path, _)| is_segment(path)) {
        for at in (0..content.len()).step_by(BLOCK) {
            for (how, harm) in BLOCKS {
                let came = adopt(&template, |file, content| {
                    if file == path {
                        harm(content, at);
                    }
                })
                .unwrap();
                gone_implies_told(&template, &came, &format!("{how} at {at} of {}", path.display()));
            }
        }
    }
}

/// Row 22: a block that cannot be read is damage like any other: it neither stops the shipper nor the adoption.
#[test]
fn what_cannot_be_read_is_set_aside_and_told() {
    for template in [template(), template_of(&[vec![1; 300], vec![2; 300]])] {
        for (path, content) in template.files.iter().filter(|(path, _)| is_segment(path)) {
            for at in (0..content.len() as u64).step_by(BLOCK) {
                let came = adopt_after(&template, |_, _| (), |fs| fs.break_block(path, at)).unwrap();
                gone_implies_told(&template, &came, &format!("unreadable at {at} of {}", path.display()));
            }
        }
    }
}

/// Row 22: all that there is stands in one block. With three synced records in it, the stream is no empty one.
#[test]
fn a_young_stream_does_not_vanish_with_its_first_block() {
    let template = template_of(&[vec![1; 300], vec![2; 300], vec![3; 300]]);
    let path = template.files.keys().find(|path| is_segment(path)).unwrap();
    for (how, harm) in BLOCKS {
        let came = adopt(&template, |file, content| {
            if file == path {
                harm(content, 0);
            }
        })
        .unwrap();
        assert!(came.records.is_empty(), "{how}");
        gone_implies_told(&template, &came, how);
        assert_eq!(came.quarantined > 0, how == "garbage", "{how}: what is not zero is kept");
    }
}

fn gone_implies_told(template: &Template, came: &Came, place: &str) {
    for (sequence, record) in (1..).zip(&template.records) {
        match came.records.get(&sequence) {
            Some(there) => assert_eq!(there, record, "record {sequence} is wrong: {place}"),
            None => assert!(came.lost.contains(&sequence), "{sequence} is gone and not told: {place}"),
        }
    }
    assert!(came.lost.iter().all(|lost| !came.records.contains_key(lost)), "told and not gone: {place}");
    assert!(came.end > template.records.len() as u64, "number {} is given again: {place}", came.end);
}

/// A number that the sink may have is not given again, whatever the disk loses: also after a power loss, and whether or not the
/// sink had answered.
#[test]
fn a_number_that_was_shipped_is_never_given_again() {
    for settled in [0, 2, 3] {
        for cut in [None, Some(0), Some(600)] {
            let (fs, options, told) = directory();
            let Opened { journal, mut reader, mut settler, .. } = Journal::open(options.clone()).unwrap();
            for number in 1..=3 {
                append(&journal, Kind::Moment, &[number; 300]);
            }
            journal.commit().unwrap();
            for number in 1..=3 {
                let batch = reader.next(BatchLimits { records: 1, bytes: 1 << 20 }).unwrap();
                assert_eq!(batch.entries[0].sequence, number);
            }
            settler.settle(settled);
            fs.restart(Death::PowerLoss);
            told.0.lock().unwrap().clear();
            let path = fs.paths().into_iter().find(|path| is_segment(path) && has_header(&fs, path)).unwrap();
            let mut content = fs.content(&path).unwrap();
            match cut {
                Some(length) => content.truncate(length),
                None => content.fill(0),
            }
            fs.overwrite(&path, &content);

            let orphan = orphans(&options).unwrap().pop().unwrap();
            let Some(mut adopted) = orphan.adopt(&options).unwrap() else {
                assert!(settled == 3 && cut != Some(600), "the sink has said that it has all");
                continue;
            };
            assert_eq!(append(&adopted.journal, Kind::Moment, b"a new one"), 4, "{settled} settled, cut at {cut:?}");
            adopted.journal.commit().unwrap();
            let mut came = Vec::new();
            while let Some(batch) = adopted.reader.next(BatchLimits { records: 9, bytes: 1 << 20 }) {
                came.extend(batch.entries.into_iter().map(|entry| entry.sequence));
            }
            let lost = lost(&told);
            for number in settled + 1..=3 {
                assert!(lost.contains(&number) || came.contains(&number), "{number} of {settled}, {cut:?}: {lost:?}");
            }
        }
    }
}

/// A segment of a version that is not known is refused, and everything stays as it is. What only looks like one is damage.
#[test]
fn a_segment_of_another_version_is_left_alone() {
    let template = template_of(&[vec![1; 300], vec![2; 300]]);
    let of_version_2 = |content: &mut Vec<u8>| {
        content[8] = 2;
        let length = u32::from_le_bytes(content[12..16].try_into().unwrap()) as usize;
        content[124..128].fill(0);
        let crc = crc32fast::hash(&content[..length]);
        content[124..128].copy_from_slice(&crc.to_le_bytes());
    };
    for frames in [true, false] {
        let (fs, options, _) = directory();
        for (path, content) in &template.files {
            let mut content = content.clone();
            if is_segment(path) && content[0] != 0 {
                of_version_2(&mut content);
                content.truncate(if frames { content.len() } else { 200 });
            }
            fs.put(path, &content);
        }
        let before: Vec<_> = template.files.keys().map(|path| fs.content(path)).collect();
        let error = orphans(&options).unwrap().pop().unwrap().adopt(&options).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
        assert!(template.files.keys().map(|path| fs.content(path)).eq(before), "nothing is touched");
    }
    let path = template.files.keys().find(|path| is_segment(path)).unwrap();
    let came = adopt(&template, |file, content| {
        if file == path {
            content[8] ^= 0x03;
        }
    });
    assert_eq!(came.unwrap().records.len(), 2, "one byte that is wrong is no other version");
}

fn has_header(fs: &SimulatedFs, path: &Path) -> bool {
    fs.content(path).is_some_and(|content| content.starts_with(b"auditjnl"))
}

/// Row 9: a cursor of any content costs that records are sent again, never that one is skipped.
#[test]
fn no_cursor_skips_a_record() {
    let template = template();
    let sound = |segment: u64, offset: u64, sequence: u64, stream: &[u8]| {
        let mut bytes = b"auditcur".to_vec();
        [segment, offset, sequence].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend_from_slice(stream);
        bytes.extend([0; 4]);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    };
    let path = template.files.keys().find(|path| path.ends_with("cursor")).unwrap();
    let stream = template.files[path][32..48].to_vec();
    let mut cursors = vec![Vec::new(), vec![0; 56], vec![0xff; 56], vec![1; 10]];
    for segment in [0, 1, 2, 3, 4, u64::MAX] {
        for offset in [0, 1, 128, 160, 5000, u64::MAX] {
            for sequence in [1, 5, 1_000_000] {
                cursors.push(sound(segment, offset, sequence, &stream));
            }
        }
    }
    for cursor in cursors {
        let came = adopt(&template, |file, content| {
            if file == path {
                content.clone_from(&cursor);
            }
        })
        .unwrap();
        for number in 1..=template.records.len() as u64 {
            assert!(came.records.contains_key(&number), "{number} is skipped by {cursor:?}");
        }
    }
}

fn adopt(template: &Template, change: impl FnMut(&PathBuf, &mut Vec<u8>)) -> Result<Came, JournalError> {
    adopt_after(template, change, |_| ())
}

/// With something that happens to the disk when the files are there.
fn adopt_after(
    template: &Template,
    mut change: impl FnMut(&PathBuf, &mut Vec<u8>),
    then: impl FnOnce(&SimulatedFs),
) -> Result<Came, JournalError> {
    let (fs, options, told) = directory();
    drop(Journal::open(options.clone()).unwrap());
    for (path, content) in &template.files {
        let mut content = content.clone();
        change(path, &mut content);
        fs.put(path, &content);
    }
    then(&fs);
    let stream = template.files.keys().next().unwrap().parent().unwrap().to_str().unwrap().to_owned();
    let all = orphans(&options).unwrap();
    let orphan = all.into_iter().find(|orphan| stream.ends_with(&orphan.stream().to_string())).unwrap();
    let mut adopted = orphan.adopt(&options)?.expect("there is something");
    let end = append(&adopted.journal, Kind::Last, b"end");
    adopted.journal.commit().unwrap();
    let mut records = BTreeMap::new();
    // What cannot be read is asked for again some times.
    let mut idle = 0;
    while idle < 10 {
        let Some(batch) = adopted.reader.next(BatchLimits { records: 4, bytes: 1 << 20 }) else {
            idle += 1;
            continue;
        };
        idle = 0;
        let last = batch.entries.last().unwrap().sequence;
        records.extend(batch.entries.into_iter().map(|entry| (entry.sequence, entry.record.to_vec())));
        adopted.settler.settle(last);
    }
    assert!(adopted.journal.remove_if_done());
    records.retain(|_, record| record != b"end");
    let lost = lost(&told);
    let quarantined = Quarantine::of(options.fs.clone(), &options.directory).names().unwrap().len();
    Ok(Came { records, lost, quarantined, end })
}

/// The numbers that were told to be lost.
fn lost(told: &Told) -> Vec<u64> {
    let events = told.0.lock().unwrap();
    let lost = events.iter().filter_map(|event| match event {
        Event::Lost { first, last, .. } => Some(*first..=*last),
        _ => None,
    });
    lost.flatten().take(1 << 16).collect()
}

fn template() -> Template {
    let large = (0..18_u8).map(|number| (0..8000 + usize::from(number) * 37).map(|at| number ^ at as u8).collect());
    let small = (0..4).map(|number| vec![number + 1; 300]);
    template_of(&large.chain(small).collect::<Vec<_>>())
}

fn template_of(records: &[Vec<u8>]) -> Template {
    let (fs, options, _) = directory();
    let opened = Journal::open(options).unwrap();
    for record in records {
        append(&opened.journal, Kind::Moment, record);
    }
    opened.journal.commit().unwrap();
    let paths = fs.paths().into_iter().filter(|path| path.components().count() == 6);
    let files: BTreeMap<_, _> = paths.map(|path| (path.clone(), fs.content(&path).unwrap())).collect();
    fs.restart(Death::Kill);
    Template { files, records: records.to_vec() }
}

fn directory() -> (SimulatedFs, JournalOptions, Arc<Told>) {
    let (fs, told) = (SimulatedFs::new(3, 512), Arc::<Told>::default());
    let mut options = JournalOptions::new("/a/journal");
    options.fs = Arc::new(fs.clone());
    options.background = false;
    options.segment_bytes = Some(64 << 10);
    options.resource = bytes::Bytes::from_static(b"resource");
    options.watcher = told.clone();
    (fs, options, told)
}

fn append(journal: &Journal, kind: Kind, record: &[u8]) -> u64 {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append { kind, ..Append::MOMENT }, &mut frame).unwrap().sequence
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}

/// The bytes of a segment that mean something, but the most of the payloads.
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
fn flipped(content: &[u8]) -> Vec<usize> {
    let every = std::env::var("AUDITRAIL_EVERY_BYTE").is_ok();
    let number = |at: usize| u32::from_le_bytes(content[at..at + 4].try_into().unwrap()) as usize;
    let mut frame = number(12);
    let mut bytes: Vec<usize> = (0..frame).collect();
    while frame + 32 < content.len() && number(frame) != 0 {
        let payload = frame + 32..frame + 32 + (number(frame) & 0x7fff_ffff);
        bytes.extend(frame..frame + 32);
        bytes.extend(payload.clone().filter(|at| every || at % 67 == 0));
        frame = payload.end.next_multiple_of(32);
    }
    bytes
}

/// Where the frames of a segment end; the last payload ends with something.
fn used(content: &[u8]) -> usize {
    (content.iter().rposition(|byte| *byte != 0).unwrap() + 1).next_multiple_of(32)
}
