//! What walks have found, by its fewest steps.

use std::sync::Arc;

use auditrail::journal::{
    Adopted, Append, BatchLimits, HEADER, Journal, JournalOptions, Opened, Reader, Receipt, Settler, orphans,
};

use crate::simulated::{Death, Lasting, Operation, SimulatedFs};

/// The request of a call is durable. The segment that a failed sync makes begins with a copy of it; when that cannot be synced
/// either, and the system has dropped the copy, the call is open still, and whoever adopts the stream answers it.
#[test]
fn a_call_is_not_forgotten_with_the_copy_of_its_request() {
    for seed in 0..20 {
        let (fs, options) = disk(seed);
        let journal = Journal::open(options.clone()).unwrap().journal;
        append(&journal, Append::REQUEST, b"a request");
        journal.commit().unwrap();
        append(&journal, Append::MOMENT, b"a record");
        fs.faults(|faults| (faults.sync, faults.evicts) = (2, true));
        journal.commit().unwrap_err();
        journal.commit().unwrap();
        fs.restart(Death::Kill);

        assert_eq!(open(&adopt(&options)), [b"a request"], "{seed}");
    }
}

/// The segment that the request stands in may be settled and go: the copy is in the one that was synced.
#[test]
fn a_call_is_not_forgotten_when_the_segment_of_its_request_goes() {
    for seed in 0..20 {
        let (fs, options) = disk(seed);
        let Opened { journal, mut reader, mut settler, .. } = Journal::open(options.clone()).unwrap();
        append(&journal, Append::REQUEST, b"a request");
        journal.commit().unwrap();
        append(&journal, Append::MOMENT, b"a record");
        fs.faults(|faults| (faults.sync, faults.evicts) = (2, true));
        journal.commit().unwrap_err();
        journal.commit().unwrap();
        settle_all(&mut reader, &mut settler);
        fs.restart(Death::Kill);

        assert_eq!(open(&adopt(&options)), [b"a request"], "{seed}");
    }
}

/// Who adopts a stream dies with the power while it begins a segment: the copy of a request in that is torn. Then the disk has
/// no room, so that the next one cannot answer the call; it ships what there is. The request stays for whoever can.
#[test]
fn who_cannot_answer_a_call_leaves_its_request() {
    for seed in 0..60 {
        let (fs, options) = disk(seed);
        let journal = Journal::open(options.clone()).unwrap().journal;
        append(&journal, Append::REQUEST, &[7; 3000]);
        journal.commit().unwrap();
        fs.restart(Death::Kill);
        drop(adopt(&options));
        fs.restart(Death::PowerLoss);
        fs.begin_fault(Lasting { operation: Operation::Create, errno: 28, ending: ".seg".to_owned() });
        let mut unable = adopt(&options);
        assert!(!unable.needs_end);
        fs.lift_faults();
        settle_all(&mut unable.reader, &mut unable.settler);
        drop(unable);

        assert!(open(&adopt(&options)) == [[7; 3000]], "{seed}: it is forgotten");
    }
}

fn adopt(options: &JournalOptions) -> Adopted {
    orphans(options).unwrap().pop().unwrap().adopt(options).unwrap().unwrap()
}

fn open(adopted: &Adopted) -> Vec<&[u8]> {
    adopted.open.iter().map(|open| &open.request[..]).collect()
}

fn settle_all(reader: &mut Reader, settler: &mut Settler) {
    // What is no record is passed without a batch.
    for _ in 0..4 {
        if let Some(batch) = reader.next(BatchLimits { records: 10, bytes: 1 << 20 }) {
            settler.settle(batch.entries.last().unwrap().sequence);
        }
    }
}

fn disk(seed: u64) -> (SimulatedFs, JournalOptions) {
    let fs = SimulatedFs::new(seed, 512);
    let mut options = JournalOptions::new("/j");
    (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(64 << 10));
    (fs, options)
}

fn append(journal: &Journal, what: Append, record: &[u8]) -> Receipt {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(what, &mut frame).unwrap()
}
