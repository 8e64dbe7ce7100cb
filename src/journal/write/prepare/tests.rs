use crate::journal::handle::Journal;
use crate::journal::open::Opened;
use crate::journal::options::JournalOptions;

/// The thread that prepares segments is slow, and somebody who cannot wait makes a later one and begins it.
#[test]
fn a_segment_that_was_made_too_late_is_not_begun_behind_a_later_one() {
    let directory = tempfile::tempdir().unwrap();
    let options = JournalOptions { background: false, ..JournalOptions::new(directory.path()) };
    let Opened { journal, .. } = Journal::open(options).unwrap();
    let shared = &journal.0;
    let slow = shared.plan(&mut shared.state(), 0).and_then(|plan| shared.make(&plan)).ok().unwrap();
    shared.make_next(0);
    // Taken, but not the active one yet: it is being begun.
    let later = shared.state().segments.take_next(|_| true).unwrap();
    assert!(later.number > slow.number);
    let number = slow.number;
    let surplus = shared.keep(&mut shared.state(), Ok(slow));
    assert_eq!(surplus.map(|surplus| surplus.number), Some(number), "readers go by the numbers");
    assert!(shared.state().segments.next.is_none());
}
