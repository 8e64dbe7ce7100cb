use std::sync::Arc;

use super::*;
use crate::trail::CallState;

fn id(number: u64) -> Id {
    Id::from_u64(number)
}

fn entry() -> (Arc<CallState>, SpanEntry) {
    let state = Arc::new(CallState::default());
    (state.clone(), SpanEntry::Call { state, is_own: true })
}

/// Many spans at a time, found by their ids and no other, from any thread.
#[test]
fn a_span_is_found_by_its_id_until_it_is_taken_out() {
    let open = OpenSpans::default();
    let kept: Vec<_> = (1..2000).map(|number| (id(number * 7), entry())).collect();
    for (id, (_, entry)) in &kept {
        open.keep(id, entry.clone(), false);
    }
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for (id, (state, _)) in &kept {
                assert!(open.get(id).is_some_and(|entry| std::ptr::eq(entry.state(), &**state)));
                assert!(open.with_waiting(id, |_| ()).is_none());
                assert!(open.take(id).is_some());
                assert!(open.get(id).is_none() && open.take(id).is_none());
            }
        });
    });
    assert!(open.shards.iter().all(|shard| shard.count.load(Ordering::Relaxed) == 0));
}

/// Invariant 2: whoever missed a close is not taken for the new span.
#[test]
fn a_new_span_of_the_same_id_leads_to_nothing_older() {
    let open = OpenSpans::default();
    let ((older, first), (newer, second)) = (entry(), entry());
    open.keep(&id(5), first, true);
    open.keep(&id(5), second, false);
    assert!(open.with_waiting(&id(5), |_| ()).is_none());
    assert!(open.take(&id(5)).is_some_and(|entry| std::ptr::eq(entry.state(), &*newer)));
    assert_eq!(Arc::strong_count(&older), 1);
    assert!(open.take(&id(5)).is_none());
}

/// An entering is told once, until somebody waits again; it is counted per shard.
#[test]
fn who_waits_for_the_entering_is_told_once() {
    let open = OpenSpans::default();
    for number in [1, 2] {
        open.keep(&id(number), entry().1, true);
    }
    for _ in 0..2 {
        assert!(open.with_waiting(&id(1), |_| ()).is_some());
        assert!(open.with_waiting(&id(1), |_| ()).is_none());
        open.wait(&id(1));
        open.wait(&id(1));
    }
    assert!(open.take(&id(1)).is_some() && open.take(&id(2)).is_some());
    open.wait(&id(1));
    assert!(open.shards.iter().all(|shard| shard.waiting.load(Ordering::Relaxed) == 0));
}
