//! `[trace] inject`: the server sees the proxy's span as the parent of each request, and every other byte as it came.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use serde_json::{Value, json};

use crate::rig::{PATIENCE, Played, Proxy, call, records, within};

const INJECT: &str = "[trace]\ninject = true\n";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// Keeps what it reads, and says nothing.
const KEEP: &str = "cat > \"$DIR/got\"";

async fn played(proxy: Proxy, chunks: Vec<Vec<u8>>) -> Played {
    let played = tokio::task::spawn_blocking(move || proxy.play(chunks)).await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    played
}

fn got(played: &Played) -> String {
    String::from_utf8(played.file("got")).unwrap()
}

fn parent_of(message: &Value) -> &str {
    message["params"]["_meta"]["traceparent"].as_str().unwrap_or("")
}

/// As it stands in the request of that id: the span that the record is of.
fn span_of(records: &[Record], id: &str) -> String {
    let is_its = |record: &&Record| {
        record.text(names::JSONRPC_REQUEST_ID) == Some(id) && record.text(names::AUDITRAIL_PHASE) == Some("request")
    };
    let record = records.iter().find(is_its).unwrap_or_else(|| panic!("no {id} in {records:#?}"));
    format!("00-{}-{}-01", record.trace_id.unwrap(), record.span_id.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_name_the_span_of_their_record_and_all_else_passes_as_it_is() {
    let receiver = Receiver::builder().start().await.unwrap();
    let lines = [
        // Odd whitespace, an escaped key, a carriage return.
        " {\"jsonrpc\":\"2.0\" ,\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}\r\n".to_owned(),
        format!(r#"{{"id":"two","method":"ping","params":{{"_met\u0061":{{"traceparent":"{PARENT}","tracestate":"v=1"}}}}}}"#)
            + "\n",
        "{\"id\":3,\"method\":\"ping\"}\n".into(),
        "\n".into(),
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n".into(),
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}\n".into(),
        "{\"id\":5,\"method\":\"ping\",\"params\":[]}\n".into(),
        "this is no JSON\n".into(),
        "[{\"id\":6,\"method\":\"ping\"},{\"method\":\"notifications/a\"},{\"id\":7,\"method\":\"ping\",\"params\":{}}]\n".into(),
        "{\"id\":8,\"method\":\"ping\",\"params\":{\"_meta\":{\"tracestate\":\"of=another\"}}}".into(),
    ];
    let proxy = Proxy::of_script(KEEP).configured(INJECT).collector(&receiver);
    // In pieces that end anywhere.
    let chunks = lines.concat().into_bytes().chunks(7).map(<[u8]>::to_vec).collect();
    let played = played(proxy, chunks).await;

    let records = records(&receiver);
    let meta = |id: &str| format!("\"_meta\":{{\"traceparent\":\"{}\"}}", span_of(&records, id));
    let expected = [
        lines[0].replace("\"a\"}", &format!("\"a\",{}}}", meta("1"))),
        lines[1].replace(PARENT, &span_of(&records, "two")),
        lines[2].replace("}", &format!(",\"params\":{{{}}}}}", meta("3"))),
        lines[3..8].concat(),
        lines[8]
            .replace("6,\"method\":\"ping\"", &format!("6,\"method\":\"ping\",\"params\":{{{}}}", meta("6")))
            .replace("{}", &format!("{{{}}}", meta("7"))),
        lines[9].replace("\"_meta\":{\"tracestate\":\"of=another\"}", &meta("8")),
    ];
    assert_eq!(got(&played), expected.concat());
    assert_eq!(span_of(&records, "two")[..35], PARENT[..35], "the client's trace goes on");
    assert!(!played.said.contains("held"), "{}", played.said);
}

/// Each record's span is exported, with the client's span as its parent.
#[tokio::test(flavor = "multi_thread")]
async fn the_spans_are_exported() {
    let receiver = Receiver::builder().start().await.unwrap();
    let with_parent = call(2, "b").replace("\"name\"", &format!("\"_meta\":{{\"traceparent\":\"{PARENT}\"}},\"name\""));
    let proxy = Proxy::of_script(KEEP).configured(INJECT).collector(&receiver).argument("--name").argument("proxied");
    played(proxy, vec![call(1, "a").into_bytes(), with_parent.into_bytes()]).await;
    let records = records(&receiver);
    let spans: HashMap<_, _> =
        receiver.spans().into_iter().map(|received| (received.span.name.clone(), received.span.clone())).collect();
    for (id, tool) in [("1", "a"), ("2", "b")] {
        let span = &spans[&format!("tools/call {tool}")];
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(span_of(&records, id), format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)));
        let parent = if id == "2" { &PARENT[36..52] } else { "" };
        assert_eq!(hex(&span.parent_span_id), parent);
    }
}

/// What the caller chose not to sample, nobody behind it samples.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_is_not_sampled_goes_on_unsampled() {
    let receiver = Receiver::builder().start().await.unwrap();
    let parent = PARENT.replace("-01", "-00");
    let text = call(1, "a").replace("\"name\"", &format!("\"_meta\":{{\"traceparent\":\"{parent}\"}},\"name\""));
    let played = played(Proxy::of_script(KEEP).configured(INJECT).collector(&receiver), vec![text.into()]).await;
    let message: Value = serde_json::from_str(&got(&played)).unwrap();
    let seen = parent_of(&message);
    assert_eq!((&seen[..36], &seen[53..]), (&parent[..36], "00"));
    assert_ne!(seen, parent, "it is the proxy's span");
    assert!(receiver.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_passes_as_it_is_and_is_told_once() {
    let receiver = Receiver::builder().start().await.unwrap();
    let large = |id| call(id, &"x".repeat(200_000));
    let batch = format!("[{}]\n", vec![call(7, "a").trim_end(); 2000].join(","));
    let text = [large(1), call(2, "small"), batch.clone(), large(3), call(4, "small")];
    let config = format!("{INJECT}[stdio]\nheld_bytes = 180000\n");
    let proxy = Proxy::of_script(KEEP).configured(&config).collector(&receiver);
    let played = played(proxy, vec![text.concat().into_bytes()]).await;
    let got = got(&played);
    let lines: Vec<_> = got.split_inclusive('\n').collect();
    for at in [0, 2, 3] {
        assert!(lines[at] == text[at], "line {at} is as it was");
    }
    let records = records(&receiver);
    for (at, id) in [(1, "2"), (4, "4")] {
        assert_eq!(parent_of(&serde_json::from_str(lines[at]).unwrap()), span_of(&records, id));
    }
    assert_eq!(played.said.matches("to write trace context into it").count(), 1, "{}", played.said);
    let recorded = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("request")).count();
    assert_eq!(recorded, 2004, "all is recorded");
}

/// What is too large goes on before its end is there.
#[test]
fn what_is_too_large_does_not_wait_for_its_end() {
    let config = format!("{INJECT}[stdio]\nheld_bytes = 100\n");
    let mut running = Proxy::of(&["cat"]).configured(&config).start();
    let text = call(1, &"x".repeat(1000));
    let (begin, end) = text.split_at(900);
    running.send(begin);
    running.read_until(&begin[800..]);
    running.send(end);
    running.send(&call(2, "a"));
    running.read_until("traceparent");
    let played = running.end();
    assert!(played.text().starts_with(&text), "{}", played.text());
}

/// Both at once: held for its record, and joined to its span.
#[tokio::test(flavor = "multi_thread")]
async fn together_with_calls_that_may_not_go_unrecorded() {
    let receiver = Receiver::builder().start().await.unwrap();
    let config = format!(
        "{INJECT}[stdio]\nheld_bytes = 1000\n[[rule]]\nmatch = {{ tool = \"pay\" }}\nclass = \"c\"\n[class.c]\nacknowledge = \
         \"synced\"\nwhen_full = \"refuse\"\n"
    );
    let proxy = Proxy::of_script(KEEP).configured(&config).collector(&receiver);
    let text = [call(1, "pay"), call(2, &"x".repeat(2000)), call(3, "read")].concat();
    let played = played(proxy, vec![text.into_bytes()]).await;
    let got = got(&played);
    let messages: Vec<Value> = got.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let records = records(&receiver);
    let seen: Vec<_> = messages.iter().map(|message| (message["id"].clone(), parent_of(message).to_owned())).collect();
    assert_eq!(seen, [(json!(1), span_of(&records, "1")), (json!(3), span_of(&records, "3"))]);
    assert_eq!(played.lines()[0]["id"], 2, "the large one is refused, as without a trace");
}

#[test]
fn it_is_shown_and_mistakes_in_it_stop_the_start() {
    let shown = |config: &str| Proxy::of(&["cat"]).configured(config).argument("--print-config").send("").text();
    assert!(shown("").contains("[trace]\nexport = true\ninject = false"), "{}", shown(""));
    let text = shown(INJECT);
    assert!(
        text.contains("[trace]\nexport = true\ninject = true") && text.contains("# traces go to http://127.0.0.1:9"),
        "{text}"
    );
    let played = Proxy::of(&["cat"]).configured("[trace]\ninject = true\nratio = 1\n").send("");
    assert_eq!(played.code(), 2);
    assert!(played.said.contains("auditrail.toml:3:1: unknown field `ratio`"), "{}", played.said);
}

/// The switch is for listeners, too: the server sees the span in the head, and it is exported when the proxy ends.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_servers_over_http_too() {
    let receiver = Receiver::builder().start().await.unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    // Free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listener =
        format!("[[listener]]\nlisten = \"{address}\"\nupstream = \"http://{}\"", server.local_addr().unwrap());
    let proxy = Proxy::of(&[]).configured(&format!("{INJECT}{listener}\n")).collector(&receiver);
    let played = tokio::task::spawn_blocking(move || {
        let running = proxy.start();
        let mut client = within(PATIENCE, || TcpStream::connect(address).ok()).unwrap();
        let body = call(1, "a");
        let head =
            "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length";
        client.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        let (mut upstream, _) = server.accept().unwrap();
        let mut head = String::new();
        let mut lines = BufReader::new(upstream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") {
            lines.read_line(&mut head).unwrap();
        }
        upstream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
        running.signal("TERM");
        (running.ended(), head)
    });
    let (played, head) = played.await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    let span = span_of(&records(&receiver), "1");
    assert!(head.to_ascii_lowercase().contains(&format!("traceparent: {span}\r\n")), "{head}");
    let exported = receiver.spans();
    let ids = exported.iter().map(|one| one.span.span_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert_eq!(ids.collect::<Vec<_>>(), [&span[36..52]]);
}
