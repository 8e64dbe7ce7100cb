//! What a sync that failed has dropped: every process reads it, and the disk does not have it. Whoever comes next cannot trust a sync.

use std::sync::Arc;

use auditrail::journal::{
    Adopted, Append, BatchLimits, Event, HEADER, Journal, JournalOptions, Opened, Reader, SinkName, Sinks, orphans,
};

use crate::simulated::{Death, Lasting, Operation, SimulatedFs};
use crate::told::Told;

/// The owner is killed when its sync has failed twice. What its successor ships survives a power loss.
#[test]
fn what_an_adopter_ships_is_durable_whatever_its_owner_could_not_sync() {
    for seed in 0..40 {
        let (fs, options) = disk(seed);
        let journal = Journal::open(options.clone()).unwrap().journal;
        append(&journal, &[1; 900]);
        journal.commit().unwrap();
        (2..=9).for_each(|number| append(&journal, &[number; 900]));
        fs.faults(|faults| faults.sync = 2);
        journal.commit().unwrap_err();
        fs.restart(Death::Kill);
        let mut adopted = adopt(&options);
        assert_eq!(numbers(&mut adopted.reader, 100), (1..=9).collect::<Vec<_>>(), "{seed}: a kill takes nothing");
        fs.restart(Death::PowerLoss);

        assert_eq!(numbers(&mut adopt(&options).reader, 100), (1..=9).collect::<Vec<_>>(), "{seed}: it was shipped");
    }
}

/// The sync of the adopter fails, too. The next one cannot trust its own.
#[test]
fn an_adopter_whose_sync_fails_leaves_the_stream_as_it_was() {
    for seed in 0..40 {
        let (fs, options) = disk(seed);
        let journal = Journal::open(options.clone()).unwrap().journal;
        (1..=9).for_each(|number| append(&journal, &[number; 900]));
        fs.restart(Death::Kill);
        fs.begin_fault(Lasting { operation: Operation::Sync, errno: 5, ending: String::new() });
        for orphan in orphans(&options).unwrap() {
            orphan.adopt(&options).unwrap_err();
        }
        fs.lift_faults();
        assert_eq!(numbers(&mut adopt(&options).reader, 100), (1..=9).collect::<Vec<_>>(), "{seed}");
        fs.restart(Death::PowerLoss);

        assert_eq!(numbers(&mut adopt(&options).reader, 100), (1..=9).collect::<Vec<_>>(), "{seed}: it was shipped");
    }
}

/// No room for a copy: what is durable is shipped, and the rest when there is room.
#[test]
fn on_a_full_disk_only_what_is_durable_is_shipped() {
    for seed in 0..40 {
        let (fs, options) = disk(seed);
        let journal = Journal::open(options.clone()).unwrap().journal;
        (1..=3).for_each(|number| append(&journal, &[number; 900]));
        journal.commit().unwrap();
        (4..=9).for_each(|number| append(&journal, &[number; 900]));
        fs.restart(Death::Kill);
        fs.begin_fault(Lasting { operation: Operation::Create, errno: 28, ending: ".new".to_owned() });
        let mut adopted = adopt(&options);
        assert_eq!(numbers(&mut adopted.reader, 100), [1, 2, 3], "{seed}");
        assert!(adopted.reader.is_at_end(), "{seed}");
        adopted.settler.settle(3);
        assert!(!adopted.needs_end && !adopted.journal.remove_if_done(), "{seed}: the rest waits");
        drop(adopted);
        fs.lift_faults();

        assert_eq!(numbers(&mut adopt(&options).reader, 100), (4..=9).collect::<Vec<_>>(), "{seed}");
    }
}

/// A record ends in more zeros than a page has, and nothing follows it. The copy has all of it.
#[test]
fn a_record_that_ends_in_zeros_is_copied_as_a_whole() {
    for seed in 0..40 {
        let (fs, options) = disk(seed);
        let journal = Journal::open(options.clone()).unwrap().journal;
        append(&journal, &[1; 900]);
        journal.commit().unwrap();
        let mut record = vec![2; 100];
        record.resize(9000, 0);
        append(&journal, &record);
        fs.restart(Death::Kill);
        let mut adopted = adopt(&options);
        let batch = adopted.reader.next(BatchLimits { records: 100, bytes: 1 << 20 }).unwrap();
        let lengths: Vec<_> = batch.entries.iter().map(|entry| (entry.sequence, entry.record.len())).collect();
        assert_eq!(lengths, [(1, 900), (2, 9000)], "{seed}");
    }
}

/// The last page of a record never came to the disk. It is one lost record and not a stretch of unknown numbers.
#[test]
fn a_record_whose_end_is_lost_has_one_number_in_the_copy() {
    for seed in 0..40 {
        let (fs, mut options) = disk(seed);
        let told = Arc::new(Told::default());
        options.watcher = told.clone();
        let journal = Journal::open(options.clone()).unwrap().journal;
        append(&journal, &[1; 900]);
        journal.commit().unwrap();
        append(&journal, &[2; 9000]);
        fs.restart(Death::Kill);
        let segment = fs.paths().into_iter().find(|path| path.ends_with("0000000001.seg")).unwrap();
        let mut content = fs.content(&segment).unwrap();
        content[8192..].fill(0);
        fs.overwrite(&segment, &content);

        let mut adopted = adopt(&options);
        assert_eq!(numbers(&mut adopted.reader, 100), [1], "{seed}");
        assert!(adopted.reader.next(BatchLimits { records: 100, bytes: 1 << 20 }).is_none(), "{seed}");
        let lost: Vec<_> = told.0.lock().unwrap().iter().filter_map(numbers_lost).collect();
        assert_eq!(lost, [(2, 2)], "{seed}");
    }
}

fn numbers_lost(event: &Event) -> Option<(u64, u64)> {
    match event {
        Event::Lost { first, last, .. } => Some((*first, *last)),
        _ => None,
    }
}

/// The mark could not be synced once. What is shipped then is named by it all the same, also after a power loss.
#[test]
fn a_mark_that_could_not_be_synced_is_written_again() {
    for (seed, is_killed) in (0..40).flat_map(|seed| [(seed, false), (seed, true)]) {
        let (fs, options) = disk(seed);
        let Opened { journal, mut reader, .. } = Journal::open(options.clone()).unwrap();
        (1..=2).for_each(|number| append(&journal, &[number; 900]));
        journal.commit().unwrap();
        fs.begin_fault(Lasting { operation: Operation::Sync, errno: 5, ending: "mark".to_owned() });
        numbers(&mut reader, 1);
        fs.lift_faults();
        if is_killed {
            fs.restart(Death::Kill);
            numbers(&mut adopt(&options).reader, 100);
        } else {
            numbers(&mut reader, 1);
        }
        fs.restart(Death::PowerLoss);

        let mark = fs.paths().into_iter().find(|path| path.ends_with("mark")).unwrap();
        let mark = fs.content(&mark).unwrap();
        let named = [0, 4096].map(|slot: usize| u64::from_le_bytes(mark[slot + 24..slot + 32].try_into().unwrap()));
        assert_eq!(named.iter().max(), Some(&2), "{seed}, killed {is_killed}: 2 was shipped");
    }
}

/// The cursor of the slower sink could not be synced. Before a segment goes, it is written again: what the sink has is not
/// told as lost after a power loss.
#[test]
fn a_cursor_that_could_not_be_synced_is_written_again() {
    for seed in 0..40 {
        let (fs, mut options) = disk(seed);
        let told = Arc::new(Told::default());
        options.watcher = told.clone();
        options.sinks = Sinks::only(SinkName::OTLP).and(SinkName::new("file").unwrap());
        let Opened { journal, mut reader, mut settler, mut others, .. } = Journal::open(options.clone()).unwrap();
        for number in 1..=150_u8 {
            append(&journal, &[number; 900]);
            journal.commit().unwrap();
        }
        let file = others.first_mut().unwrap();
        while let Some(last) = numbers(&mut file.reader, 10).last().filter(|last| **last <= 140) {
            file.settler.settle(*last);
        }
        while numbers(&mut reader, 10).last().is_some_and(|last| *last < 130) {}
        fs.begin_fault(Lasting { operation: Operation::Sync, errno: 5, ending: "cursor-file".to_owned() });
        settler.settle(120);
        fs.lift_faults();
        settler.settle(130);
        fs.restart(Death::PowerLoss);

        let mut adopted = adopt(&options);
        let file = adopted.others.first_mut().unwrap();
        while !numbers(&mut file.reader, 10).is_empty() {}
        let lost: Vec<_> =
            told.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Lost { .. })).cloned().collect();
        assert!(lost.is_empty(), "{seed}: {lost:?}");
    }
}

fn adopt(options: &JournalOptions) -> Adopted {
    orphans(options).unwrap().pop().unwrap().adopt(options).unwrap().unwrap()
}

fn numbers(reader: &mut Reader, records: usize) -> Vec<u64> {
    let batch = reader.next(BatchLimits { records, bytes: 1 << 20 });
    batch.map_or_else(Vec::new, |batch| batch.entries.iter().map(|entry| entry.sequence).collect())
}

fn disk(seed: u64) -> (SimulatedFs, JournalOptions) {
    let fs = SimulatedFs::new(seed, 512);
    let mut options = JournalOptions::new("/j");
    (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(64 << 10));
    (fs, options)
}

fn append(journal: &Journal, record: &[u8]) {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append::MOMENT, &mut frame).unwrap();
}
