//! What walks have found, by its fewest steps.

use std::sync::Arc;

use auditrail::journal::{Append, HEADER, Journal, JournalOptions, Receipt, orphans};

use crate::simulated::{Death, SimulatedFs};

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

        let adopted = orphans(&options).unwrap().pop().unwrap().adopt(&options).unwrap().unwrap();
        let open: Vec<_> = adopted.open.iter().map(|open| &open.request[..]).collect();
        assert_eq!(open, [b"a request"], "{seed}");
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
