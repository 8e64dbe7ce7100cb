//! The audit fails, and only the operator learns of it. Invariant 4.

use std::io::{Read as _, Write as _};
use std::thread;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::trail::Class;
use auditrail_server::proxy::stdio::{StdioProxy, Streams};

use crate::rig::{Proxy, call};

const CALLS: u64 = 1500;

fn calls() -> String {
    (0..CALLS).map(|id| call(id, "read_file")).collect()
}

#[test]
fn a_journal_that_is_full() {
    let played = Proxy::of(&["cat"]).env("AUDITRAIL_JOURNAL_MAX_BYTES", "262144").send(&calls());
    assert_eq!((played.code(), played.text()), (0, calls()), "{}", played.said);
}

#[test]
fn a_collector_that_is_away() {
    let played = Proxy::of(&["cat"]).send(&calls());
    assert_eq!((played.code(), played.text()), (0, calls()));
    assert!(played.said.contains("does not take audit records"), "{}", played.said);
    assert!(played.said.contains("were not delivered"), "{}", played.said);
}

#[test]
fn a_journal_that_is_damaged() {
    let proxy = Proxy::of(&["cat"]);
    let streams = proxy.file("state/journal/streams");
    let first = proxy.send(&calls());
    let directory = first.directory;
    for stream in std::fs::read_dir(directory.path().join("state/journal/streams")).unwrap() {
        for file in std::fs::read_dir(stream.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.iter_mut().skip(40).step_by(97).for_each(|byte| *byte ^= 0x55);
            std::fs::write(&path, bytes).unwrap();
        }
    }
    drop(streams);
    let state = directory.path().join("state");
    let played = Proxy::of(&["cat"]).env("AUDITRAIL_DIR", state.to_str().unwrap()).send(&calls());
    assert_eq!((played.code(), played.text()), (0, calls()), "{}", played.said);
}

/// Nothing would be audited, so nothing is begun.
#[test]
fn a_journal_that_cannot_be_opened_stops_the_start() {
    let proxy = Proxy::of_script("touch \"$DIR/began\"");
    std::fs::write(proxy.file("state"), "a file").unwrap();
    let played = proxy.send("");
    assert_eq!(played.code(), 125, "{}", played.said);
    assert!(played.said.contains("auditrail does not start: "), "{}", played.said);
    assert!(!played.directory.path().join("began").exists());
}

#[test]
fn an_extractor_that_panics() {
    let (output, code) = through_the_library(|builder| builder.actor(|_| panic!("planted")));
    assert_eq!((output, code), (calls(), 0));
}

#[test]
fn a_classification_that_panics() {
    let (output, code) = through_the_library(|builder| {
        builder.classify(|call| if call.name().is_some() { panic!("planted") } else { Class::default() })
    });
    assert_eq!((output, code), (calls(), 0));
}

/// What goes through a proxy whose trail was built by code.
fn through_the_library(
    build: impl FnOnce(auditrail::trail::TrailBuilder) -> auditrail::trail::TrailBuilder,
) -> (String, u8) {
    let directory = tempfile::tempdir().unwrap();
    let environment = Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
    let builder = Trail::builder("troubles").environment(environment).directory(directory.path());
    let builder = builder.flush_timeout(std::time::Duration::from_millis(1)).on_notice(|_| ());
    let trail = build(builder).start().unwrap();
    let (input, mut client_writes) = std::io::pipe().unwrap();
    let (mut client_reads, output) = std::io::pipe().unwrap();
    let streams =
        Streams { input: std::os::fd::OwnedFd::from(input).into(), output: std::os::fd::OwnedFd::from(output).into() };
    let proxy = thread::spawn(move || StdioProxy::new("cat", []).run(trail, streams).unwrap());
    let client = thread::spawn(move || client_writes.write_all(calls().as_bytes()).unwrap());
    let mut read = String::new();
    client_reads.read_to_string(&mut read).unwrap();
    client.join().unwrap();
    (read, proxy.join().unwrap())
}

/// A log of some lines, then the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_logs_to_standard_output_is_told_so_once() {
    use auditrail::record::{Value, names};
    let receiver = auditrail::serve::Receiver::builder().start().await.unwrap();
    let script = r#"for n in 1 2 3 4 5 6 7 8 9 10; do echo "INFO: $n"; done; read -r line; echo '{"jsonrpc":"2.0","id":1,"result":{}}'"#;
    let proxy = Proxy::of_script(script).collector(&receiver);
    let played = tokio::task::spawn_blocking(move || proxy.send(&call(1, "a"))).await.unwrap();
    assert_eq!((played.code(), played.text().lines().count()), (0, 11), "{}", played.said);
    assert_eq!(played.said.matches("log to standard error").count(), 1, "{}", played.said);
    let records = crate::rig::records(&receiver);
    let flawed = records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("-32700"));
    let counts: Vec<_> = flawed.map(|record| record.get(names::AUDITRAIL_MCP_FLAWED_COUNT)).collect();
    assert_eq!(counts, [None, None, None, Some(&Value::Int(7))]);
    assert!(records.iter().any(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL) == Some("ok")));
}
