//! The gRPC read service.

use auditrail::serve::{
    Receiver,
    proto::{AuditRecord, GetRequest, TailRequest, TailResponse},
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use tonic::{Code, Status, Streaming, codec::CompressionEncoding};

use crate::support::{large, logs, logs_client, logs_of, record, resource, scope, soon, trail_client};

fn id(record: &AuditRecord) -> LogRecord {
    LogRecord::decode(&record.log_record[..]).unwrap()
}

async fn next(stream: &mut Streaming<TailResponse>) -> Option<AuditRecord> {
    Some(soon(stream.message()).await.unwrap()?.record.unwrap())
}

async fn tail(receiver: &Receiver, from_position: u64, follow: bool) -> Result<Streaming<TailResponse>, Status> {
    let request = TailRequest { from_position, follow };
    Ok(trail_client(receiver).await.tail(request).await?.into_inner())
}

#[tokio::test]
async fn get_answers_with_the_bytes_received() {
    let receiver = Receiver::builder().start().await.unwrap();
    logs_client(&receiver).await.export(logs(&["a", "b"])).await.unwrap();
    let mut plain = trail_client(&receiver).await;
    let mut zipped =
        plain.clone().accept_compressed(CompressionEncoding::Gzip).send_compressed(CompressionEncoding::Gzip);
    let get = || GetRequest { record_id: "b".to_owned() };
    let held = receiver.record("b").unwrap();
    for answer in [plain.get(get()).await.unwrap(), zipped.get(get()).await.unwrap()] {
        let expected = AuditRecord {
            log_record: record("b").encode_to_vec().into(),
            resource: resource().encode_to_vec().into(),
            scope: scope().encode_to_vec().into(),
            resource_schema_url: "urn:resource".to_owned(),
            scope_schema_url: "urn:scope".to_owned(),
            received_unix_nano: held.received_unix_nano,
            position: held.position,
        };
        assert_eq!(answer.into_inner().record, Some(expected));
    }
}

#[tokio::test]
async fn get_says_what_is_wrong() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut client = trail_client(&receiver).await;
    let status = client.get(GetRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = client.get(GetRequest { record_id: "x".to_owned() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn tail_ends_at_the_newest_unless_it_follows() {
    let receiver = Receiver::builder().start().await.unwrap();
    assert_eq!(next(&mut tail(&receiver, 0, false).await.unwrap()).await, None, "nothing is held");
    logs_client(&receiver).await.export(logs(&["a", "b", "c"])).await.unwrap();

    let mut all = tail(&receiver, 0, false).await.unwrap();
    let a = next(&mut all).await.unwrap();
    assert_eq!(id(&a), record("a"));
    let mut after_a = tail(&receiver, a.position, false).await.unwrap();
    for stream in [&mut all, &mut after_a] {
        assert_eq!(id(&next(stream).await.unwrap()), record("b"));
        assert_eq!(id(&next(stream).await.unwrap()), record("c"));
        assert_eq!(next(stream).await, None);
    }
}

#[tokio::test]
async fn tail_follows_until_the_receiver_stops() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut exporter = logs_client(&receiver).await;
    let mut stream = tail(&receiver, 0, true).await.unwrap();
    for name in ["a", "b", "c"] {
        exporter.export(logs(&[name])).await.unwrap();
        assert_eq!(id(&next(&mut stream).await.unwrap()), record(name));
    }
    soon(receiver.shutdown()).await;
    let status = soon(stream.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("resume from the last position"), "{status}");
}

#[tokio::test]
async fn tail_refuses_to_leave_anything_out() {
    let receiver = Receiver::builder().capacity(2).start().await.unwrap();
    logs_client(&receiver).await.export(logs(&["a", "b", "c", "d"])).await.unwrap();
    let oldest = receiver.records()[0].position;
    for (position, word) in [(oldest - 2, "no longer held"), (1, "no longer held"), (oldest + 2, "never given out")] {
        let status = tail(&receiver, position, true).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange);
        assert!(status.message().contains(word), "{status}");
    }
    assert!(tail(&receiver, oldest - 1, true).await.is_ok());
}

/// 50 MB pass a reader that does not read, and the receiver holds 8 records: what it had buffered for the reader
/// comes, then the reader is told that it was too slow.
#[tokio::test]
async fn tail_buffers_nothing_for_a_slow_reader() {
    let receiver = Receiver::builder().capacity(8).start().await.unwrap();
    let mut exporter = logs_client(&receiver).await;
    let mut stream = tail(&receiver, 0, true).await.unwrap();
    for number in 0..200 {
        exporter.export(logs_of(vec![large(&number.to_string(), 256 << 10)])).await.unwrap();
    }
    let mut last = None;
    let status = loop {
        match soon(stream.message()).await {
            Ok(next) => {
                let position = next.unwrap().record.unwrap().position;
                assert!(last.is_none_or(|last| position == last + 1), "no gap before the error");
                last = Some(position);
            }
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::DataLoss, "{status}");
    assert!(last.is_none_or(|last| last < receiver.records()[0].position));
}
