//! What must not leave, does not: neither to the collector, nor to the disk, nor to standard error or output.

use std::os::unix::fs::{lchown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use auditrail::record::names;
use auditrail::serve::Receiver;

use crate::rig::{Played, Proxy, call, records};

/// Stands wherever a secret may.
const CANARY: &str = "hunter2";

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

fn files_below(directory: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files_below(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

fn assert_clean(played: &Played) {
    assert!(!played.said.contains(CANARY), "{}", played.said);
    let mut files = Vec::new();
    files_below(&played.directory.path().join("state"), &mut files);
    assert!(!files.is_empty());
    let leaks: Vec<_> = files.iter().filter(|file| holds_canary(&std::fs::read(file).unwrap())).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
}

const URIS: [&str; 14] = [
    "https://user:hunter2@h/a",
    "https:user:hunter2@h",
    "https:/user:hunter2@h",
    "u:hunter2@h",
    "u%3ahunter2%40h",
    "https://u%3Ahunter2%2540h/a",
    "https://h/a?token=hunter2",
    "https://h/a#hunter2",
    "https://h/a;token=hunter2",
    "https://h/a%3Ftoken=hunter2",
    "data:text/plain,hunter2",
    "DATA:text/plain;charset=x,hunter2",
    "javascript:login('hunter2')",
    "jdbc:postgresql://u:hunter2@h/db",
];

/// Answers everything as if it were a task, without being one.
const NO_TASK: &str = r#"while read -r line; do
    id=$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
    content='"content":[],"taskId":"hunter2","status":"hunter2","task":{"taskId":"hunter2","status":"hunter2"}'
    printf '{"jsonrpc":"2.0","id":%s,"result":{%s}}\n' "$id" "$content"
done"#;

#[tokio::test(flavor = "multi_thread")]
async fn no_record_span_file_or_line_has_what_was_secret() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut sent = String::new();
    for (id, uri) in URIS.iter().enumerate() {
        sent += &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"resources/read","params":{{"uri":"{uri}"}}}}"#);
        sent.push('\n');
    }
    sent += &call(100, "read_file");
    sent += r#"{"jsonrpc":"2.0","id":101,"method":"tools/call","params":{"name":"a","taskId":"hunter2","arguments":{"a":"hunter2"}}}"#;
    sent += "\n";
    sent += r#"{"jsonrpc":"2.0","id":102,"method":"custom/poll","params":{"taskId":"hunter2"}}"#;
    sent += "\n";
    let proxy = Proxy::of_script(NO_TASK).collector(&receiver);
    let endpoint = receiver.grpc_endpoint().unwrap();
    let proxy = proxy
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("{endpoint}/?api_key=hunter2"))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2");
    let played = tokio::task::spawn_blocking(move || proxy.send(&sent)).await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    assert_clean(&played);
    let records = records(&receiver);
    let pairs = records.iter().filter(|record| record.text(names::JSONRPC_REQUEST_ID).is_some()).count();
    assert_eq!(pairs, 2 * (URIS.len() + 3), "all of it was recorded");
    assert!(receiver.records().iter().all(|record| !holds_canary(&record.bytes)));
    assert!(!receiver.spans().is_empty());
    assert!(!format!("{:?}", receiver.spans()).contains(CANARY));
    let answered = records.iter().filter(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL) == Some("ok"));
    assert_eq!(answered.count(), URIS.len() + 3, "none of the answers is a task");
}

/// What is a task is recorded as one, in the form of either revision.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_recorded_as_tasks() {
    let receiver = Receiver::builder().start().await.unwrap();
    let server = r#"read -r line
        printf '{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"t-1","status":"working","ttl":60000}}}\n'
        read -r line; printf '{"jsonrpc":"2.0","id":2,"result":{"resultType":"task","taskId":"t-2","status":"working"}}\n'
        read -r line; printf '{"jsonrpc":"2.0","id":3,"result":{"taskId":"t-1","status":"completed"}}\n'
        read -r line; printf '{"jsonrpc":"2.0","id":4,"result":{"taskId":"hunter2","status":"hunter2","content":[]}}\n'"#;
    let of_task = |id: u64, method: &str| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{\"taskId\":\"t-1\"}}}}\n")
    };
    let sent = call(1, "a") + &call(2, "b") + &of_task(3, "tasks/get") + &of_task(4, "tasks/result");
    let proxy = Proxy::of_script(server).collector(&receiver);
    let played = tokio::task::spawn_blocking(move || proxy.send(&sent)).await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    let records = records(&receiver);
    let told = |id: &str| {
        let of_call = |record: &&auditrail::record::Record| record.text(names::JSONRPC_REQUEST_ID) == Some(id);
        let answer =
            records.iter().filter(of_call).find(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"));
        let text = |name| answer.unwrap().text(name).unwrap_or_default().to_owned();
        [names::AUDITRAIL_OUTCOME_DETAIL, names::AUDITRAIL_MCP_TASK_ID, names::AUDITRAIL_MCP_TASK_STATUS].map(text)
    };
    assert_eq!(told("1"), ["task", "t-1", "working"]);
    assert_eq!(told("2"), ["task", "t-2", "working"]);
    assert_eq!(told("3"), ["ok", "t-1", "completed"]);
    assert_eq!(told("4"), ["ok", "t-1", ""], "the result of a task is the tool's own");
}

/// 20 000 lines that are no messages made 20 002 lines on standard error.
#[test]
fn a_flood_of_garbage_is_some_lines_and_a_count() {
    let rule = "[[rule]]\nmatch = {}\nclass = \"strict\"\n[class.strict]\nwhen_full = \"refuse\"\n";
    let played = Proxy::of(&["cat"]).configured(rule).send(&"garbage\n".repeat(20_000));
    let lines: Vec<_> = played.said.lines().filter(|line| line.contains("was not forwarded")).collect();
    assert!(lines.len() <= 200 && played.said.lines().count() <= 210, "{} lines", played.said.lines().count());
    // More than once only if it took longer than a minute.
    let held = |line: &&str| line.split_once(" (")?.1.split(' ').next()?.replace("one", "1").parse::<u64>().ok();
    let (told, counted): (usize, u64) = lines.iter().fold((0, 0), |(told, counted), line| match held(line) {
        Some(count) => (told, counted + count),
        None => (told + 1, counted),
    });
    assert_eq!(told as u64 + counted, 20_000, "{}", played.said);
}

#[test]
fn the_effective_configuration_shows_no_password() {
    for upstream in [
        "http://me:hunter2@127.0.0.1:1",
        "https:me:hunter2@h",
        "me:hunter2@h",
        "http://me%3ahunter2%40h",
        "http://h/a?token=hunter2",
        "http://h/a#hunter2",
        "hunter2",
    ] {
        let listener = format!("[[listener]]\nlisten = \":0\"\nupstream = \"{upstream}\"\n");
        for proxy in
            [Proxy::of(&[]).configured(&listener).argument("--print-config"), Proxy::of(&[]).configured(&listener)]
        {
            let played = proxy.send("");
            assert_eq!(played.code(), 2, "{}", played.said);
            assert!(!(played.text() + &played.said).contains(CANARY), "{}{}", played.text(), played.said);
        }
    }
    for key in ["tls_certificate = \"hunter2\"\ntls_key = \"hunter2\"", "upstream_ca = '-----BEGIN hunter2'"] {
        let listener = format!("[[listener]]\nlisten = \":0\"\nupstream = \"https://a\"\n{key}\n");
        let played = Proxy::of(&[]).configured(&listener).send("");
        assert!(played.code() == 2 && !played.said.contains(CANARY), "{}", played.said);
    }
    let endpoint = "http://127.0.0.1:9/a?api_key=hunter2";
    for proxy in [
        Proxy::of(&["cat"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        Proxy::of(&["cat"]).env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint),
        Proxy::of(&["cat"])
            .without("OTEL_EXPORTER_OTLP_ENDPOINT")
            .configured(&format!("[otlp]\nendpoint = \"{endpoint}\"\n")),
    ] {
        let played = proxy.argument("--print-config").send("");
        assert_eq!(played.code(), 0, "{}", played.said);
        assert!(played.text().contains("http://127.0.0.1:9/a") && !played.text().contains(CANARY), "{}", played.text());
    }
}

/// A collector that is away is named, without the key in its URL.
#[test]
fn notices_show_no_key_of_the_collector() {
    let proxy = Proxy::of(&["cat"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9/?api_key=hunter2");
    let played = proxy.env("AUDITRAIL_FLUSH_TIMEOUT", "3000").send(&call(1, "a"));
    assert!(played.said.contains("the collector at http://127.0.0.1:9/?(hidden)"), "{}", played.said);
    assert_clean(&played);
}

/// Nothing waits for somebody to write into a pipe.
#[test]
fn a_configuration_is_a_regular_file() {
    let expected = "it is not a regular file but a directory, pipe or device";
    let proxy = Proxy::of(&["cat"]);
    let pipe = proxy.file("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let path = pipe.to_str().unwrap().to_owned();
    let played = proxy.argument("--config").argument(&path).send("");
    assert!(played.code() == 2 && played.said.contains(expected), "{}", played.said);
    // What a shell makes of `<(command)`, too.
    let played = Proxy::of(&["cat"]).argument("--config").argument("/dev/stdin").send("");
    assert!(played.code() == 2 && played.said.contains(expected), "{}", played.said);
    for key in ["tls_certificate = \"PIPE\"\ntls_key = \"PIPE\"", "upstream_ca = \"PIPE\""] {
        let listener = format!("[[listener]]\nlisten = \":0\"\nupstream = \"https://a\"\n{key}\n");
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let played = Proxy::of(&[]).configured(&listener.replace("PIPE", pipe.to_str().unwrap())).send("");
        assert!(played.code() == 2 && played.said.contains(expected), "{}", played.said);
    }
}

/// Only root can give a link away, so only root can see that it is refused.
#[test]
fn behind_a_link_of_somebody_else_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("target"), directory.path().join("link"));
    std::fs::create_dir(&target).unwrap();
    symlink(&target, &link).unwrap();
    let state = link.to_str().unwrap();
    let played = Proxy::of(&["cat"]).env("AUDITRAIL_DIR", state).send(&call(1, "a"));
    assert_eq!(played.code(), 0, "a link of the process's user is followed: {}", played.said);
    assert!(target.join("journal").is_dir());
    std::fs::remove_dir_all(&target).unwrap();
    std::fs::create_dir(&target).unwrap();
    if lchown(&link, Some(54_321), None).is_err() {
        return;
    }
    let played = Proxy::of(&["cat"]).env("AUDITRAIL_DIR", state).send(&call(1, "a"));
    assert_ne!(played.code(), 0);
    assert!(played.said.contains("belongs to user 54321"), "{}", played.said);
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
}

/// What a server is called is nobody's command to a terminal.
#[test]
fn nothing_that_is_not_seen_is_printed() {
    let name = "a\u{202e}b\u{9b}31m\u{2066}c";
    let hidden = |text: &str| text.contains(['\u{202e}', '\u{9b}', '\u{2066}', '\u{1b}']);
    let played = Proxy::of(&["cat"]).argument("--name").argument(name).send(&call(1, "a"));
    let state = played.directory.path().join("state");
    for format in ["human", "json"] {
        let output = Command::new(env!("CARGO_BIN_EXE_auditrail"))
            .args(["journal", "stat", "--format", format, "--dir"])
            .arg(&state)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("202e") && !hidden(&text), "{format}: {text:?}");
        if format == "json" {
            let stat: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(stat["streams"][0]["service"], name, "it means the same");
        }
    }
    let played = Proxy::of(&["cat"]).argument("--name").argument(name).argument("--print-config").send("");
    assert!(played.text().contains("202e") && !hidden(&played.text()), "{:?}", played.text());
    let output = Command::new(env!("CARGO_BIN_EXE_auditrail"))
        .args(["journal", "stat", "--dir", "/no/such\u{202e}\u{9b}\u{1b}[2J\ndirectory"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("\\u{202e}") && !hidden(&said) && said.lines().count() == 1, "{said:?}");
}
