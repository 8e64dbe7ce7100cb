//! OTLP/gRPC.

use auditrail::serve::Receiver;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsServiceResponse, logs_service_client::LogsServiceClient},
    trace::v1::trace_service_client::TraceServiceClient,
};
use prost::Message;
use tonic::{
    Code, Status,
    client::Grpc,
    codec::CompressionEncoding,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};

use crate::support::{LONG, field, large, logs, logs_client, logs_of, record, resource, scope, traces};

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// `ExportLogsServiceRequest` on the wire, with a resource group that no type restricts.
#[derive(Clone, PartialEq, Message)]
struct RawRequest {
    #[prost(bytes = "vec", tag = "1")]
    resource_logs: Vec<u8>,
}

async fn send_raw(receiver: &Receiver, path: &'static str, resource_logs: Vec<u8>) -> Result<(), Status> {
    let channel = Endpoint::from_shared(receiver.grpc_endpoint().unwrap()).unwrap().connect().await.unwrap();
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<RawRequest, ExportLogsServiceResponse>::default();
    let request = tonic::Request::new(RawRequest { resource_logs });
    grpc.unary(request, PathAndQuery::from_static(path), codec).await.map(|_| ())
}

#[tokio::test]
async fn records_arrive_with_what_they_came_with() {
    let receiver = Receiver::builder().start().await.unwrap();
    let response = logs_client(&receiver).await.export(logs(&["a", "b"])).await.unwrap().into_inner();
    assert_eq!(response.partial_success, None);

    // Answered means held: nothing to wait for.
    let records = receiver.records();
    assert_eq!(records.len(), 2);
    let a = &records[0];
    assert_eq!((&a.record, a.id()), (&record("a"), Some("a")));
    assert_eq!(a.bytes, record("a").encode_to_vec());
    assert_eq!((&*a.resource, &a.resource_bytes[..]), (&resource(), &resource().encode_to_vec()[..]));
    assert_eq!((&*a.scope, &a.scope_bytes[..]), (&scope(), &scope().encode_to_vec()[..]));
    assert_eq!((&*a.resource_schema_url, &*a.scope_schema_url), ("urn:resource", "urn:scope"));
    assert!(a.received_unix_nano > 1_600_000_000_000_000_000);
    assert_eq!(records[1].position, a.position + 1);
    assert_eq!(receiver.record("b").unwrap().position, records[1].position);
    assert!(receiver.record("c").is_none());
}

#[tokio::test]
async fn gzip_is_taken() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut client = logs_client(&receiver).await.send_compressed(CompressionEncoding::Gzip);
    client.export(logs(&["a"])).await.unwrap();
    assert_eq!(receiver.record("a").unwrap().bytes, record("a").encode_to_vec());
}

#[tokio::test]
async fn spans_arrive() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut client = TraceServiceClient::connect(receiver.grpc_endpoint().unwrap()).await.unwrap();
    let sending = tokio::spawn(async move { client.export(traces(&["tools/call get_weather"])).await });
    let seen = receiver.wait_for(|seen| seen.spans.len() == 1, LONG).await.unwrap();
    assert_eq!(seen.spans[0].span.name, "tools/call get_weather");
    assert_eq!(*seen.spans[0].resource, resource());
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn bytes_are_kept_with_fields_that_nobody_knows() {
    let receiver = Receiver::builder().start().await.unwrap();
    let odd_record = [record("odd").encode_to_vec(), field(15, b"from the future")].concat();
    let odd_scope = [scope().encode_to_vec(), field(14, b"!")].concat();
    let scope_logs = [field(2, &odd_record), field(1, &odd_scope)].concat();
    send_raw(&receiver, LOGS, [field(2, &scope_logs), field(1, &[])].concat()).await.unwrap();

    let kept = receiver.record("odd").unwrap();
    assert_eq!(kept.bytes, odd_record);
    assert_eq!(kept.scope_bytes, odd_scope);
    assert_eq!(kept.record, record("odd"));
}

#[tokio::test]
async fn an_export_with_a_mistake_is_not_held_at_all_and_not_to_be_repeated() {
    let receiver = Receiver::builder().start().await.unwrap();
    let scope_logs = [field(2, &record("good").encode_to_vec()), field(2, &field(3, &[0xff]))].concat();
    let status = send_raw(&receiver, LOGS, field(2, &scope_logs)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("LogRecord at byte"), "{status}");
    let status = send_raw(&receiver, LOGS, vec![0x0a, 0x7f]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(receiver.records().is_empty());
}

/// OUT_OF_RANGE would be repeated by OTLP clients, RESOURCE_EXHAUSTED without a retry delay is not.
#[tokio::test]
async fn too_large_is_refused_for_good() {
    let receiver = Receiver::builder().max_message_bytes(4_096).start().await.unwrap();
    let too_large = || logs_of(vec![large("large", 1 << 20)]);
    let mut plain: LogsServiceClient<Channel> = logs_client(&receiver).await;
    let status = plain.export(too_large()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("max_message_bytes"), "{status}");

    let mut bomb = plain.clone().send_compressed(CompressionEncoding::Gzip);
    let status = bomb.export(too_large()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    plain.export(logs(&["small"])).await.unwrap();
    assert_eq!(receiver.records().len(), 1);
}

#[tokio::test]
async fn the_oldest_are_dropped_and_counted() {
    let receiver = Receiver::builder().capacity(3).start().await.unwrap();
    let mut client = logs_client(&receiver).await;
    client.export(logs(&["1", "2"])).await.unwrap();
    client.export(logs(&["3", "4", "5", "5"])).await.unwrap();
    let held: Vec<_> = receiver.records().iter().map(|record| record.id().unwrap().to_owned()).collect();
    assert_eq!(held, ["4", "5", "5"]);
    assert_eq!((receiver.dropped().records, receiver.duplicates()), (3, 1));
    assert!(receiver.record("2").is_none());
}

#[tokio::test]
async fn other_services_are_not_there() {
    let receiver = Receiver::builder().start().await.unwrap();
    for path in [
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "/auditrail.v1.TrailService/Erase",
        "/nothing",
    ] {
        let status = send_raw(&receiver, path, Vec::new()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
    }
}
