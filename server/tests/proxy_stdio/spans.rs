//! The proxy's own spans: one for each call, by default, without a byte changed; and what the records say where there is
//! none.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;

use crate::agreement::{Agreed, agree};
use crate::rig::{Played, Proxy, call, records};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// Says of each line what it heard, asks something itself, and answers what it is asked.
const SERVER: &str = r#"
while read -r line; do
    printf '%s\n' "$line" >> "$DIR/got"
    case $line in
        *result*) echo '{"jsonrpc":"2.0","id":1,"result":{}}' ;;
        *'"id":1'*) echo '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}' ;;
        *'"id":2'*) echo '{"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"no"}}' ;;
    esac
done"#;

/// A call that is answered, one that fails, the server's own, one that is cancelled and one that nobody answers.
fn session() -> String {
    let parent = format!("\"_meta\":{{\"traceparent\":\"{PARENT}\"}},\"name\"");
    [
        call(1, "named").replace("\"name\"", &parent),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n".into(),
        call(2, "fails"),
        call(3, "cancelled"),
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3}}\n".into(),
        call(4, "unanswered"),
    ]
    .concat()
}

async fn played(proxy: Proxy, collector: &Receiver) -> (Played, Vec<Record>) {
    let played = tokio::task::spawn_blocking(move || {
        let mut running = proxy.start();
        let session = session();
        let (first, rest) = session.split_at(session.find('\n').unwrap() + 1);
        running.send(first);
        running.read_until("sampling");
        running.send(rest);
        running.read_until("-32603");
        running.end()
    });
    let played = played.await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    assert_eq!(String::from_utf8(played.file("got")).unwrap(), session(), "no byte is changed");
    let records = records(collector);
    (played, records)
}

fn of_tool<'a>(records: &'a [Record], tool: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_a_span_with_the_times_of_its_records() {
    let receiver = Receiver::builder().start().await.unwrap();
    let (played, records) = played(Proxy::of_script(SERVER).collector(&receiver), &receiver).await;
    assert!(!played.said.contains("warning"), "{}", played.said);
    let spans = receiver.spans();
    assert_eq!(agree(&records, &spans), Agreed { pairs: 5, moments: 0 });
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut shapes: Vec<_> =
        spans.iter().map(|got| (got.span.name.as_str(), got.span.kind, hex(&got.span.parent_span_id))).collect();
    shapes.sort();
    let (server, client) = (2, 3);
    assert_eq!(
        shapes,
        [
            ("sampling/createMessage", client, String::new()),
            ("tools/call cancelled", server, String::new()),
            ("tools/call fails", server, String::new()),
            ("tools/call named", server, PARENT[36..52].to_owned()),
            ("tools/call unanswered", server, String::new()),
        ]
    );
    for record in of_tool(&records, "named") {
        assert_eq!(record.trace_id.unwrap().to_string(), PARENT[3..35]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_spans_the_records_keep_the_trace_of_the_caller() {
    let off = [("file", ""), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")];
    for (what, value) in off {
        let receiver = Receiver::builder().start().await.unwrap();
        let proxy = match what {
            "file" => Proxy::of_script(SERVER).configured("[trace]\nexport = false\n"),
            variable => Proxy::of_script(SERVER).env(variable, value),
        };
        let (_, records) = played(proxy.collector(&receiver), &receiver).await;
        assert!(receiver.spans().is_empty(), "{what}");
        let named = of_tool(&records, "named");
        assert_eq!(named.len(), 2, "{what}");
        for record in named {
            assert_eq!(record.trace_id.map(|id| id.to_string()).as_deref(), Some(&PARENT[3..35]), "{what}");
            assert_eq!(record.flags, 1, "{what}");
        }
        assert!(of_tool(&records, "fails").iter().all(|record| record.trace_id.is_none()), "{what}");
        assert!(records.iter().all(|record| record.span_id.is_none()), "{what}");
    }
}

/// What the environment says wins over the file.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_wins_over_the_file() {
    let receiver = Receiver::builder().start().await.unwrap();
    let proxy = Proxy::of_script(SERVER).configured("[trace]\nexport = false\n").env("OTEL_TRACES_EXPORTER", "otlp");
    let (_, records) = played(proxy.collector(&receiver), &receiver).await;
    assert_eq!(agree(&records, &receiver.spans()).pairs, 5);
}

#[test]
fn nothing_is_injected_that_nobody_exports() {
    let inject = "[trace]\ninject = true\n";
    for proxy in [
        Proxy::of(&["cat"]).configured(&format!("{inject}export = false\n")),
        Proxy::of(&["cat"]).configured(inject).env("OTEL_TRACES_EXPORTER", "none"),
    ] {
        let played = proxy.send("");
        assert_eq!(played.code(), 2, "{}", played.said);
        assert!(played.said.contains("remove one of the two"), "{}", played.said);
    }
    // As the specification wants it of a value that is unknown: told of, and ignored.
    let played = Proxy::of(&["cat"]).env("OTEL_TRACES_EXPORTER", "zipkin").send("");
    assert_eq!(played.code(), 0, "{}", played.said);
    assert!(
        played.said.contains("OTEL_TRACES_EXPORTER counts as unset") && played.said.contains("none"),
        "{}",
        played.said
    );
}

/// Nobody there, a refusal, and somebody who never answers: one line, and every record arrives, the last one too.
#[tokio::test(flavor = "multi_thread")]
async fn a_traces_endpoint_that_takes_nothing_costs_a_notice_and_no_record() {
    let refuses = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = format!("http://{}/v1/traces", refuses.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in refuses.incoming() {
            let mut stream = stream.unwrap();
            // Whatever it was, a part of it is enough.
            if stream.read(&mut [0; 1 << 16]).is_ok() {
                drop(stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            }
        }
    });
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silence = format!("http://{}", silent.local_addr().unwrap());
    for (endpoint, protocol) in [("http://127.0.0.1:9", "grpc"), (&refusing, "http/protobuf"), (&silence, "grpc")] {
        let receiver = Receiver::builder().start().await.unwrap();
        let proxy = Proxy::of_script(SERVER)
            .collector(&receiver)
            .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
            .env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", protocol)
            .env("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "200")
            // Each span is a failure of its own.
            .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1");
        let (played, records) = played(proxy, &receiver).await;
        assert_eq!(records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some()).count(), 10);
        let all: Vec<_> = receiver.records().iter().map(|got| Record::decode(&got.bytes).unwrap()).collect();
        let stopped = all.iter().filter(|record| record.text(names::AUDITRAIL_LIFECYCLE_STATE) == Some("stopped"));
        assert_eq!(stopped.count(), 1, "{endpoint}");
        assert_eq!(played.said.matches("warning").count(), 1, "{endpoint}: {}", played.said);
        assert!(played.said.contains("spans are not exported to"), "{}", played.said);
    }
    drop(silent);
}
