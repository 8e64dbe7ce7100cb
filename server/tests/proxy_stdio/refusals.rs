//! Invariant 3: a call that may not go unrecorded is answered by the proxy, and does not reach the server.

use auditrail::record::names;
use auditrail::serve::Receiver;
use serde_json::{Value, json};

use crate::rig::{Proxy, call, records};

/// Calls of `delete_*` are refused when they cannot be recorded; of messages no more than 1000 bytes are held.
const CONFIG: &str = "
[stdio]
held_bytes = 1000
[[rule]]
match = { method = \"tools/call\", tool = \"delete_*\" }
class = \"critical\"
[class.critical]
when_full = \"refuse\"
";
const TEE: &str = "exec tee \"$DIR/got\"";

#[test]
fn when_the_journal_is_full() {
    let calls: u64 = 2000;
    let mut text: String =
        (0..calls).map(|id| call(id, if id % 2 == 0 { "delete_file" } else { "read_file" })).collect();
    // A server may run what has no id, too. Nobody waits for its answer.
    text.push_str("{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"name\":\"delete_all\"}}\n");
    let proxy = Proxy::of_script(TEE).configured(CONFIG).env("AUDITRAIL_JOURNAL_MAX_BYTES", "262144");
    let played = proxy.send(&text);
    assert_eq!(played.code(), 0, "{}", played.said);

    let (refused, relayed): (Vec<_>, Vec<_>) = played.lines().into_iter().partition(|line| line.get("error").is_some());
    assert_eq!(u64::try_from(refused.len() + relayed.len()).unwrap(), calls);
    let got: Vec<Value> = String::from_utf8(played.file("got"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(got, relayed);
    let ids = |lines: &[Value]| lines.iter().map(|line| line["id"].as_u64().unwrap()).collect::<Vec<_>>();
    assert!(ids(&relayed).contains(&0), "the first fit in");
    assert!(ids(&refused).contains(&(calls - 2)), "the last do not");
    assert!(ids(&refused).iter().all(|id| id % 2 == 0), "only calls of the class are refused");
    assert!((0..calls).filter(|id| id % 2 == 1).all(|id| ids(&relayed).contains(&id)), "all others pass");
    for line in &refused {
        assert_eq!(line["error"]["code"], -32044, "{line}");
        assert!(line["error"]["message"].as_str().unwrap().starts_with("call refused: it cannot be audited now"));
        assert!(line["error"]["data"]["auditrail.call.id"].is_string(), "{line}");
    }
    assert!(played.said.contains("journal"), "{}", played.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_they_are_larger_than_what_is_held() {
    let receiver = Receiver::builder().start().await.unwrap();
    let padding = "x".repeat(5000);
    let large = |tool: &str| call(1, tool).replace("\"id\":1", &format!("\"a\":\"{padding}\",\"id\":\"one\""));
    let text = [large("read_file"), call(2, "read_file")].concat();
    let proxy = Proxy::of_script(TEE).configured(CONFIG).collector(&receiver);
    let played = tokio::task::spawn_blocking(move || proxy.send(&text)).await.unwrap();
    let lines = played.lines();
    let refused = lines.iter().find(|line| line["id"] == "one").unwrap();
    assert_eq!(refused["error"]["code"], -32044);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("larger than the 1000 bytes"), "{message}");
    assert_eq!(played.file("got"), call(2, "read_file").into_bytes());

    let records = records(&receiver);
    let of_one = records.iter().filter(|record| record.text(names::JSONRPC_REQUEST_ID) == Some("one"));
    let halves: Vec<_> = of_one
        .map(|record| {
            [names::AUDITRAIL_PHASE, names::AUDITRAIL_OUTCOME_DETAIL].map(|name| record.text(name).unwrap_or(""))
        })
        .collect();
    assert_eq!(halves, [["request", ""], ["response", "denied"]], "{}", played.said);
}

/// A server that waits for an answer gets one.
#[test]
fn an_answer_that_is_larger_than_what_is_held_becomes_an_error() {
    let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{\"a\":\"{}\"}}}}\n", "x".repeat(5000));
    let played = Proxy::of_script(TEE).configured(CONFIG).send(&answer);
    let got: Value = serde_json::from_slice(&played.file("got")).unwrap();
    assert_eq!((&got["id"], &got["error"]["code"]), (&json!(7), &json!(-32044)));
}

/// Another parser may make a call of it: JSON5 has `0x1`. What some read and this one, too, such as Python's `NaN`, is a call.
#[test]
fn when_they_cannot_be_read() {
    let text = call(1, "delete_file").replace("\"id\"", "\"a\":0x1,\"id\"") + &call(2, "read_file");
    let played = Proxy::of_script(TEE).configured(CONFIG).send(&text);
    assert_eq!(played.file("got"), call(2, "read_file").into_bytes());
    let lines = played.lines();
    let refused = lines.iter().find(|line| line["id"].is_null()).unwrap();
    assert!(refused["error"]["message"].as_str().unwrap().contains("cannot be read"));
}

#[test]
fn a_batch_is_refused_as_a_whole() {
    let batch = format!("[{},{}]\n", call(1, "a").trim_end(), call(2, &"b".repeat(2000)).trim_end());
    let played = Proxy::of_script(TEE).configured(CONFIG).send(&batch);
    assert_eq!(played.file("got"), b"");
    let [answers] = &played.lines()[..] else { panic!("{:?}", played.text()) };
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!(2)]);
}

/// However many calls there are: each has its answer, and a pair of records.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_a_large_batch_is_answered() {
    let receiver = Receiver::builder().start().await.unwrap();
    let calls: u64 = 5000;
    let batch: Vec<String> = (1..=calls).map(|id| call(id, "read_file").trim_end().to_owned()).collect();
    let text = format!("[{}]\n", batch.join(", ")) + &call(0, "read_file");
    let config = CONFIG.replace("held_bytes = 1000", "held_bytes = 10000000");
    let proxy = Proxy::of_script(TEE).configured(&config).collector(&receiver);
    let played = tokio::task::spawn_blocking(move || proxy.send(&text)).await.unwrap();
    assert_eq!(played.file("got"), call(0, "read_file").into_bytes());
    let answers: Vec<Value> =
        played.lines().into_iter().filter_map(|line| line.as_array().cloned()).flatten().collect();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=calls).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer["error"]["code"] == -32044));
    assert_eq!(played.said.matches("was not forwarded").count(), 1, "{}", played.said);
    let denied = records(&receiver);
    let denied = denied.iter().filter(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL) == Some("denied"));
    assert_eq!(denied.count() as u64, calls);
}

#[test]
fn the_answer_comes_between_two_lines_of_the_server() {
    let script = "printf '{\"begun\":'; read line; echo '1}'; cat";
    let mut running = Proxy::of_script(script).configured(CONFIG).start();
    running.read_until("begun");
    running.send(&call(1, &"x".repeat(2000)));
    running.send(&call(2, "a"));
    running.read_until("1}");
    running.send(&call(3, "b"));
    running.read_until("\"id\":3");
    let played = running.end();
    let lines = played.lines();
    assert_eq!(lines[0], json!({ "begun": 1 }));
    assert_eq!((&lines[1]["id"], &lines[1]["error"]["code"]), (&json!(1), &json!(-32044)), "{}", played.text());
    assert_eq!((lines[2]["id"].as_u64(), lines.len()), (Some(3), 3));
}
