use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    trace::v1::Span,
};

use super::memory::NANOS_PER_MICRO;
use super::{Dropped, ItemOrigin, Received, ReceivedRecord, ReceivedSpan, RingLimits, Snapshot, Weighed};
use crate::serve::error::{TailError, WaitError};

const START: u64 = 1_000;
const LONG: Duration = Duration::from_secs(120);

fn received(items: usize) -> Received {
    let limits = RingLimits { items, bytes: 1_000 };
    Received::new(limits, limits, START * NANOS_PER_MICRO)
}

fn origin() -> ItemOrigin {
    ItemOrigin {
        resource: Arc::default(),
        resource_bytes: Bytes::new(),
        resource_schema_url: "".into(),
        scope: Arc::default(),
        scope_bytes: Bytes::new(),
        scope_schema_url: "".into(),
        received_unix_nano: 0,
    }
}

fn weighing(id: &str, weight: usize) -> Weighed<ReceivedRecord> {
    let value = Some(AnyValue { value: Some(Value::StringValue(id.to_owned())) });
    let attributes = vec![KeyValue { key: "audit.record.id".to_owned(), value, ..KeyValue::default() }];
    let record = LogRecord { attributes, ..LogRecord::default() };
    Weighed { item: ReceivedRecord::new(record, Bytes::new(), origin()), weight }
}

fn records(ids: &[&str]) -> Vec<Weighed<ReceivedRecord>> {
    ids.iter().map(|id| weighing(id, 1)).collect()
}

fn held(received: &Received) -> Vec<(u64, String)> {
    received.records().iter().map(|record| (record.position, record.id().unwrap().to_owned())).collect()
}

#[test]
fn the_oldest_leave_first_and_positions_go_on() {
    let received = received(2);
    received.take_records(records(&["a", "b", "c"]));
    assert_eq!(held(&received), [(START + 1, "b".to_owned()), (START + 2, "c".to_owned())]);
    assert_eq!(received.dropped().records, 1);
    assert!(received.record("a").is_none());
    assert_eq!(received.record("c").unwrap().position, START + 2);
    assert_eq!(received.state().ids(), 2, "the index holds no more than the ring");
}

#[test]
fn bytes_are_bounded_too_but_the_newest_stays() {
    let received = received(10);
    received.take_records(vec![weighing("a", 600), weighing("b", 300), weighing("c", 200)]);
    assert_eq!(held(&received).len(), 2);
    assert_eq!(received.state().records.weight(), 500);
    received.take_records(vec![weighing("huge", 5_000)]);
    assert_eq!(held(&received), [(START + 3, "huge".to_owned())]);
    received.take_records(records(&["d"]));
    assert_eq!(held(&received), [(START + 4, "d".to_owned())]);
    assert_eq!((received.dropped().records, received.state().records.weight()), (4, 1));
}

#[test]
fn spans_are_bounded_on_their_own() {
    let received = received(1);
    let span = |name: &str| {
        let span = Span { name: name.to_owned(), ..Span::default() };
        Weighed { item: ReceivedSpan::new(span, origin()), weight: 1 }
    };
    received.take_spans(vec![span("a"), span("b")]);
    assert_eq!(received.spans()[0].span.name, "b");
    assert_eq!(received.dropped(), Dropped { records: 0, spans: 1 });
}

#[test]
fn the_last_of_equal_ids_answers_and_duplicates_are_counted() {
    let received = received(2);
    received.take_records(records(&["a", "a"]));
    assert_eq!((received.duplicates(), received.record("a").unwrap().position), (1, START + 1));
    received.take_records(records(&["b"]));
    assert!(received.record("a").is_some(), "the first `a` leaves without the second's place in the index");
    received.take_records(records(&["c"]));
    assert!(received.record("a").is_none());
    received.take_records(records(&["a", "", ""]));
    assert_eq!(received.duplicates(), 1, "what is held no more is not known, and an empty id is none");
}

#[test]
fn the_last_of_equal_keys_is_the_id() {
    let mut item = weighing("first", 1).item;
    let second = weighing("second", 1).item.record.attributes;
    item.record.attributes.extend(second);
    assert_eq!(item.id(), Some("second"));
}

#[tokio::test]
async fn a_subscription_reads_from_a_position_and_follows() {
    let received = received(10);
    received.take_records(records(&["a", "b"]));
    let mut all = received.subscribe(0).unwrap();
    let mut after_a = received.subscribe(START).unwrap();
    assert_eq!(all.next().await.unwrap().unwrap().id(), Some("a"));
    assert_eq!(after_a.next().await.unwrap().unwrap().id(), Some("b"));
    assert_eq!(all.next().await.unwrap().unwrap().id(), Some("b"));

    let following = tokio::spawn(async move { (all.next().await.unwrap().unwrap(), all.next().await) });
    tokio::task::yield_now().await;
    received.take_records(records(&["c"]));
    received.stop();
    let (c, end) = following.await.unwrap();
    assert_eq!(c.id(), Some("c"));
    assert!(end.is_none(), "stopped, and all was read");
    assert_eq!(after_a.next().await.unwrap().unwrap().id(), Some("c"), "what is held is read after the stop too");
    assert!(after_a.next().await.is_none());
    assert!(after_a.next().await.is_none());
}

#[tokio::test]
async fn a_bounded_subscription_ends() {
    let received = received(10);
    let mut nothing = received.subscribe(0).unwrap().until(received.newest());
    assert!(nothing.next().await.is_none());
    received.take_records(records(&["a", "b"]));
    let mut one = received.subscribe(0).unwrap().until(START);
    assert_eq!(one.next().await.unwrap().unwrap().id(), Some("a"));
    assert!(one.next().await.is_none());
}

#[tokio::test]
async fn who_is_too_slow_is_told() {
    let received = received(2);
    received.take_records(records(&["a"]));
    let mut slow = received.subscribe(0).unwrap();
    received.take_records(records(&["b", "c"]));
    assert_eq!(slow.next().await.unwrap().unwrap_err(), TailError::Lagged { next: START, oldest: START + 1 });
    assert!(slow.next().await.is_none(), "there is no way on that leaves nothing out");
}

#[test]
fn only_positions_that_leave_nothing_out_are_resumed() {
    let received = received(2);
    let refused = |position| received.subscribe(position).map(|_| ()).unwrap_err();
    assert!(received.subscribe(0).is_ok());
    assert!(received.subscribe(START - 1).is_ok(), "nothing is between it and the first");
    assert_eq!(refused(START - 2), TailError::NotHeld { asked: START - 2, oldest: START }, "of an earlier run");
    assert_eq!(refused(START), TailError::Unknown { asked: START, newest: START - 1 });
    received.take_records(records(&["a", "b", "c"]));
    assert!(received.subscribe(START).is_ok());
    assert!(received.subscribe(START + 2).is_ok());
    assert_eq!(refused(START - 1), TailError::NotHeld { asked: START - 1, oldest: START + 1 });
    assert_eq!(refused(u64::MAX), TailError::Unknown { asked: u64::MAX, newest: START + 2 });
}

#[tokio::test]
async fn waiting_sees_what_is_there_what_comes_and_the_end() {
    let received = received(10);
    let two = |seen: &Snapshot| seen.records.len() == 2;
    let waiting = tokio::spawn({
        let received = received.clone();
        async move { received.wait_for(two, LONG).await }
    });
    received.take_records(records(&["a"]));
    tokio::task::yield_now().await;
    received.take_records(records(&["b"]));
    assert_eq!(waiting.await.unwrap().unwrap().records.len(), 2);
    assert!(received.wait_for(two, Duration::ZERO).await.is_ok(), "asked once in any case");

    let message = received.wait_for(|seen| seen.records.len() == 3, Duration::ZERO).await.unwrap_err().to_string();
    assert!(message.contains("2 records and 0 spans are held"), "{message}");
    received.stop();
    assert!(matches!(received.wait_for(|_| false, LONG).await, Err(WaitError::Stopped)));
}
