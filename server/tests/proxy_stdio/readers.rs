//! Lines in which servers see other calls than most do: each has its pair of records, and where calls may be refused, no such
//! line passes.

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;

use crate::rig::{Proxy, call, records};

const RULE: &str = "
[[rule]]
match = { method = \"tools/call\" }
class = \"critical\"
[class.critical]
when_full = \"refuse\"
";
/// Answers one request, whatever it is, and keeps what it got.
const ANSWERS: &str = "read -r line; printf '%s\\n' \"$line\" > \"$DIR/got\"; \
                       printf '{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"content\":[]}}\\n'; cat >> \"$DIR/got\"";
const DELETE: &str = r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"delete_all","arguments":{}}}"#;

/// The lines, with who sees the deletion in them.
fn lines() -> Vec<(String, &'static str)> {
    let progress =
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":CALL}}"#;
    let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    vec![
        (progress.replace("CALL", &format!("\r{DELETE}\r")), "python-text"),
        (format!("{ping}\r{DELETE}"), "python-text"),
        (format!("{ping}\u{2028}{DELETE}"), "node-readline"),
        (format!("{ping}\u{c}{DELETE}"), "python-splitlines"),
        (DELETE.replace("\"method\"", "\"method\":\"ping\",\"Method\""), "go-json"),
        (DELETE.replace("\"name\"", "\"name\":\"read\",\"Name\""), "go-json"),
        (DELETE.replace("\"name\"", "\"Name\""), "go-json"),
        (DELETE.replace("\"params\"", "\"params\":{\"name\":\"read\"},\"Params\""), "go-json"),
        (DELETE.replace("\"params\"", "\"param\u{17f}\""), "go-json"),
        (DELETE.replace("\"method\"", "\"Method\""), "go-json"),
        (
            DELETE
                .replace("\"id\"", "\"method\":\"tools/call\",\"id\"")
                .replace("\"tools/call\",\"params\"", "\"ping\",\"params\""),
            "simdjson",
        ),
        (format!("x\r{}", DELETE.replace("\"method\"", "\"Method\"")), "dotnet"),
    ]
}

/// Who sees it, which half, and its outcome.
fn deletions(records: &[Record]) -> Vec<[&str; 3]> {
    let deletions = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("delete_all"));
    deletions
        .map(|record| {
            let of = [names::AUDITRAIL_MESSAGE_AMBIGUOUS, names::AUDITRAIL_PHASE, names::AUDIT_OUTCOME];
            of.map(|name| record.text(name).unwrap_or("-"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_some_server_sees_has_its_pair() {
    for (line, reader) in lines() {
        let receiver = Receiver::builder().start().await.unwrap();
        let mut proxy = Proxy::of_script(ANSWERS).collector(&receiver).start();
        proxy.send(&format!("{line}\n"));
        let played = tokio::task::spawn_blocking(move || {
            proxy.read_until("\"id\":9");
            proxy.end()
        })
        .await
        .unwrap();
        assert_eq!(played.file("got"), format!("{line}\n").into_bytes(), "bytes pass as they are");
        let records = records(&receiver);
        let told = deletions(&records);
        assert_eq!(
            told,
            [[reader, "request", "unknown"], [reader, "response", "success"]],
            "{line:?}: {}",
            played.said
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_calls_may_be_refused_none_of_them_passes() {
    for (line, reader) in lines() {
        let receiver = Receiver::builder().start().await.unwrap();
        let text = format!("{line}\n{}", call(2, "read_file"));
        let proxy = Proxy::of_script("exec tee \"$DIR/got\"").configured(RULE).collector(&receiver);
        let played = tokio::task::spawn_blocking(move || proxy.send(&text)).await.unwrap();
        assert_eq!(played.file("got"), call(2, "read_file").into_bytes(), "{line:?}");
        let refused =
            played.lines().into_iter().filter(|line| line["error"]["code"] == -32044 && line["id"] == 9).count();
        assert_eq!(refused, 1, "one answer for one id: {}", played.text());
        let records = records(&receiver);
        assert_eq!(deletions(&records)[1..], [[reader, "response", "failure"]], "{line:?}");
    }
}

/// The bytes of the reports of others: what a text holds is no call.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_text_is_nobodys_business() {
    let receiver = Receiver::builder().start().await.unwrap();
    let text = serde_json::Value::from(format!("a\u{2028}{DELETE}\u{2029}\u{85}\r\u{c}{DELETE}"));
    let line = format!("{}\n", call(9, "note").trim_end().replace("\"note\"", &format!("\"note\",\"a\":{text}")));
    let sent = line.clone();
    let proxy = Proxy::of_script("exec tee \"$DIR/got\"").configured(RULE).collector(&receiver);
    let played = tokio::task::spawn_blocking(move || proxy.send(&sent)).await.unwrap();
    assert_eq!(played.file("got"), line.into_bytes());
    assert_eq!(deletions(&records(&receiver)), <[[&str; 3]; 0]>::default());
}

/// What the laxer of servers read is told as far as it was read, with its flaw and the outcome of the answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_lax_servers_read_is_a_call() {
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let argument = |value: &[u8]| {
        let (before, behind) = DELETE.split_once("{}").unwrap();
        [before.as_bytes(), b"{\"a\":", value, b"}", behind.as_bytes()].concat()
    };
    for (line, flaw) in [
        (argument(b"NaN"), "not_a_number"),
        (argument(b"-Infinity"), "not_a_number"),
        (argument(b"\"\xff\""), "invalid_utf8"),
        (argument(b"\"\xc0\xaf\""), "invalid_utf8"),
        (argument(b"\"\xed\xa0\x80\""), "invalid_utf8"),
        (DELETE.replacen('{', &format!("{{\"x\":{deep},"), 1).into_bytes(), "too_deep"),
        (DELETE.replace("\"name\"", &format!("\"x\":{deep},\"name\"")).into_bytes(), "too_deep"),
    ] {
        let receiver = Receiver::builder().start().await.unwrap();
        let proxy = Proxy::of_script(ANSWERS).collector(&receiver);
        let chunk = [line, b"\n".to_vec()].concat();
        let played = tokio::task::spawn_blocking(move || proxy.play(vec![chunk])).await.unwrap();
        let records = records(&receiver);
        assert_eq!(deletions(&records), [["-", "request", "unknown"], ["-", "response", "success"]], "{}", played.said);
        let flaws = format!("{:?}", records[0].get(names::AUDITRAIL_MESSAGE_FLAW));
        assert!(flaws.contains(flaw), "{flaws}");
    }
}
