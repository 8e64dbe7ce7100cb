use std::time::Duration;

use super::*;

const ALL: BatchLimits = BatchLimits { records: 100, bytes: 1 << 20 };

#[test]
fn positions_count_without_a_gap_and_records_leave_oldest_first() {
    let (journal, mut reader) = open(1000);
    let positions: Vec<_> = (0..5_u8).map(|n| journal.append(&[n; 10]).unwrap()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    let first = reader.next(BatchLimits { records: 2, bytes: 1000 }).unwrap();
    let second = reader.next(ALL).unwrap();
    assert_eq!((last(&first), last(&second)), (2, 5));
    assert_eq!(second.entries.iter().map(|entry| entry.record[0]).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(reader.next(ALL).is_none());
    reader.settle(last(&first));
    assert_eq!(journal.usage(), Usage { appended: 5, settled: 2, bytes: 30 });
}

#[test]
fn full_is_said_and_loses_nothing_that_was_taken() {
    let (journal, mut reader) = open(25);
    journal.append(&[1; 10]).unwrap();
    journal.append(&[2; 10]).unwrap();
    let error = journal.append(&[3; 10]).unwrap_err();
    assert!(error.to_string().contains("holds 20 of 25 bytes"), "{error}");
    let batch = reader.next(ALL).unwrap();
    assert_eq!(batch.entries.len(), 2);
    reader.settle(last(&batch));
    journal.append(&[5; 10]).unwrap();
}

#[test]
fn a_batch_is_bounded_in_bytes_but_never_empty() {
    let (journal, mut reader) = open(10_000);
    for size in [500, 10, 10, 90] {
        journal.append(&vec![0; size]).unwrap();
    }
    let limits = BatchLimits { records: 100, bytes: 100 };
    let sizes: Vec<usize> = std::iter::from_fn(|| reader.next(limits))
        .map(|batch| batch.entries.iter().map(|entry| entry.record.len()).sum())
        .collect();
    assert_eq!(sizes, [500, 20, 90]);
}

#[tokio::test]
async fn waiters_are_woken() {
    let (journal, mut reader) = open(1000);
    let writer = journal.clone();
    let task = tokio::spawn(async move {
        tokio::task::yield_now().await;
        writer.append(b"x").unwrap();
        writer.settled(1).await;
    });
    reader.readable().await;
    let batch = reader.next(ALL).unwrap();
    reader.settle(last(&batch));
    task.await.unwrap();
    assert!(journal.settled_within(1, Duration::ZERO));
    assert!(!journal.settled_within(2, Duration::from_millis(1)));
}

fn open(max_bytes: usize) -> (Journal, Reader) {
    Journal::in_memory(max_bytes, StreamId::new(0, &[0; 10]), Bytes::new(), Bytes::new())
}

fn last(batch: &Batch) -> Sequence {
    batch.entries.last().unwrap().sequence
}
