//! Digests of arguments and results, where they are switched on: what a holder of the key can verify, and nobody can read.

use std::path::Path;

use auditrail::config::Environment;
use auditrail::record::{Record, Value, names};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::server::{Everything, View, call, connect_as, request};
use crate::support::Bench;
use crate::tapped::{Wire, of_id};

/// The digest of those bytes, by the file of the key.
fn digest(bench: &Bench, label: &str, bytes: &[u8]) -> Value {
    digest_by(&bench.directory.path().join("digest.key"), label, bytes).into()
}

fn digest_by(key: &Path, label: &str, bytes: &[u8]) -> String {
    let key = std::fs::read(key).unwrap();
    let mac = |key: &[u8], bytes: &[u8]| <Hmac<Sha256>>::new_from_slice(key).unwrap().chain_update(bytes).finalize();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let derived = mac(&key, label.as_bytes()).into_bytes();
    let id = Sha256::new().chain_update(b"auditrail key id 1").chain_update(&key).finalize();
    format!("{}:{}", hex(&id[..8]), hex(&mac(&derived, bytes).into_bytes()))
}

/// The canonical form of what the client got. serde_json sorts the keys of its maps, and there are no numbers and no rare
/// characters.
fn canonical(result: &impl serde::Serialize) -> String {
    let mut result = serde_json::to_value(result).unwrap();
    for member in ["_meta", "resultType", "ttlMs", "cacheScope"] {
        result.as_object_mut().unwrap().remove(member);
    }
    result.to_string()
}

fn half<'a>(records: &'a [Record], event: &str, phase: &str) -> &'a Record {
    let is_it = |record: &&Record| record.event_name == event && record.text(names::AUDITRAIL_PHASE) == Some(phase);
    records.iter().find(is_it).unwrap()
}

/// Digest, form and size.
fn of_arguments(record: &Record) -> [Option<&Value>; 3] {
    [names::AUDITRAIL_ARGUMENTS_DIGEST, names::AUDITRAIL_ARGUMENTS_DIGEST_FORM, names::AUDITRAIL_ARGUMENTS_SIZE]
        .map(|name| record.get(name))
}

/// Digest, form, size and count.
fn of_result(record: &Record) -> [Option<&Value>; 4] {
    [
        names::AUDITRAIL_RESULT_DIGEST,
        names::AUDITRAIL_RESULT_DIGEST_FORM,
        names::AUDITRAIL_RESULT_SIZE,
        names::AUDITRAIL_RESULT_COUNT,
    ]
    .map(|name| record.get(name))
}

fn int(number: usize) -> Value {
    Value::Int(number as i64)
}

#[tokio::test]
async fn tools_prompts_and_resources_have_them_with_and_without_a_tap() {
    for view in [View::Wrapper, View::Both] {
        let bench = Bench::with(|builder| builder.record_digests(true));
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        let tool = call(&client, "ok").await.unwrap();
        let asked = GetPromptRequestParams::new("greeting");
        let given = json!({ "to": "canary-person" });
        let prompt = client.get_prompt(asked.with_arguments(given.as_object().unwrap().clone())).await.unwrap();
        let resource = client.read_resource(ReadResourceRequestParams::new("file:///a.txt")).await.unwrap();
        drop(call(&client, "breaks").await);
        client.cancel().await.unwrap();
        let records = bench.records();
        for (event, expected, count) in [
            ("auditrail.mcp.tools.call", canonical(&tool), tool.content.len()),
            ("auditrail.mcp.prompts.get", canonical(&prompt), prompt.messages.len()),
            ("auditrail.mcp.resources.read", canonical(&resource), resource.contents.len()),
        ] {
            let digest = digest(&bench, "auditrail result 2", expected.as_bytes());
            let expected = [Some(&digest), Some(&"jcs".into()), Some(&int(expected.len())), Some(&int(count))];
            assert_eq!(of_result(half(&records, event, "response")), expected, "{view:?} {event}");
        }
        let arguments = serde_json::to_value(request("ok").arguments).unwrap();
        for (event, given) in [("auditrail.mcp.tools.call", arguments), ("auditrail.mcp.prompts.get", given)] {
            let given = given.to_string();
            let digest = digest(&bench, "auditrail arguments 1", given.as_bytes());
            for phase in ["request", "response"] {
                let found = of_arguments(half(&records, event, phase));
                assert_eq!(found, [Some(&digest), Some(&"jcs".into()), Some(&int(given.len()))], "{view:?} {event}");
            }
        }
        let having = |name| records.iter().filter(|record| record.get(name).is_some()).count();
        assert_eq!(having(names::AUDITRAIL_RESULT_DIGEST), 3, "{view:?}: no request, and no error");
        assert_eq!(having(names::AUDITRAIL_ARGUMENTS_DIGEST), 6, "{view:?}: two calls of tools, and one prompt");
        assert!(!format!("{records:?}").contains("canary"), "{view:?}");
    }
}

/// What a tap sees, however it is written.
#[tokio::test]
async fn a_tap_digests_what_is_meant_and_not_how_it_is_written() {
    let bench = Bench::with(|builder| builder.record_digests(true));
    let mut wire = Wire::new(&bench.trail);
    let mut ask = async |id: u32, arguments: &str, result: &str| {
        let asked = r#""method":"tools/call""#;
        wire.client(&format!(
            r#"{{"params":{{"arguments":{arguments},"name":"t"}},"jsonrpc":"2.0","id":{id},{asked}}}"#
        ))
        .await;
        wire.server(&format!(r#"{{"result":{result},"jsonrpc":"2.0","id":{id}}}"#)).await;
    };
    ask(1, r#"{"b":[1.0,"\u0061\/"],"a":1e2}"#, r#"{"content":[]}"#).await;
    ask(2, r#"{ "a" : 100,"b":[ 1 , "a/" ] }"#, r#"{ "_meta":{"x":1}, "resultType":"complete","content" : [ ] }"#)
        .await;
    ask(3, r#"{"a":7,"b":[1,"a/"],"a":100}"#, r#"{"content":[],"ttlMs":5,"cacheScope":"private"}"#).await;
    // RFC 8785, section 3.2.3: keys are sorted by UTF-16.
    ask(4, r#"{"\ufb33":1,"\ud83d\ude02":2,"1":3}"#, r#"{"isError":true,"content":[{"type":"text","text":"no"}]}"#)
        .await;
    ask(5, r#"{"a":"\ud800"}"#, r#"{"content":[1e999]}"#).await;
    ask(6, r#""text""#, r#"{"content":[]}"#).await;
    let records = bench.records();
    let ends = |id: &str| of_id(&records, id)[1];
    for id in ["1", "2", "3"] {
        let text = br#"{"a":100,"b":[1,"a/"]}"#;
        let expected = digest(&bench, "auditrail arguments 1", text);
        assert_eq!(of_arguments(ends(id)), [Some(&expected), Some(&"jcs".into()), Some(&int(text.len()))], "{id}");
        let expected = digest(&bench, "auditrail result 2", br#"{"content":[]}"#);
        assert_eq!(of_result(ends(id))[..2], [Some(&expected), Some(&"jcs".into())], "{id}");
    }
    let sorted = "{\"1\":3,\"\u{1f602}\":2,\"\u{fb33}\":1}";
    assert_eq!(of_arguments(ends("4"))[0], Some(&digest(&bench, "auditrail arguments 1", sorted.as_bytes())));
    assert_eq!(of_result(ends("4"))[3], Some(&int(1)), "a tool's error is a result");
    // Neither has a canonical form.
    let raw = br#"{"a":"\ud800"}"#;
    let expected = digest(&bench, "auditrail arguments 1", raw);
    assert_eq!(of_arguments(ends("5")), [Some(&expected), Some(&"raw".into()), Some(&int(raw.len()))]);
    let expected = digest(&bench, "auditrail result 2", br#"{"content":[1e999]}"#);
    assert_eq!(of_result(ends("5"))[..2], [Some(&expected), Some(&"raw".into())]);
    assert_eq!(of_arguments(ends("6")), [None; 3], "arguments are an object");
}

/// 64 KiB are canonicalized, and beyond that the bytes are digested as they pass.
#[tokio::test]
async fn beyond_the_bound_the_bytes_of_the_wire_are_digested() {
    let bench = Bench::with(|builder| builder.record_digests(true));
    let mut wire = Wire::new(&bench.trail);
    let lengths = [(64 << 10) - 1, 64 << 10, (64 << 10) + 1, 10 << 20];
    let padded = |length: usize, before: &str, after: &str| {
        format!("{before}{}{after}", "x".repeat(length - before.len() - after.len()))
    };
    let texts = lengths.map(|length| {
        // With a space, so that the raw bytes are other ones than the canonical.
        (padded(length, r#"{ "a":""#, r#""}"#), padded(length, r#"{ "content":[{"text":""#, r#""},{}]}"#))
    });
    for (id, (arguments, result)) in texts.iter().enumerate() {
        wire.client(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#
        ))
        .await;
        wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)).await;
    }
    let records = bench.records();
    for (id, (arguments, result)) in texts.iter().enumerate() {
        let record = of_id(&records, &id.to_string())[1];
        let form = if arguments.len() <= 64 << 10 { "jcs" } else { "raw" };
        let digested = |text: &str| if form == "jcs" { text.replacen(' ', "", 1) } else { text.to_owned() };
        let (arguments, result) = (digested(arguments), digested(result));
        let expected = digest(&bench, "auditrail arguments 1", arguments.as_bytes());
        assert_eq!(of_arguments(record), [Some(&expected), Some(&form.into()), Some(&int(arguments.len()))], "{id}");
        let expected = digest(&bench, "auditrail result 2", result.as_bytes());
        assert_eq!(
            of_result(record),
            [Some(&expected), Some(&form.into()), Some(&int(result.len())), Some(&int(2))],
            "{id}"
        );
    }
}

#[tokio::test]
async fn only_the_result_that_was_asked_for_has_one() {
    let bench = Bench::with(|builder| builder.record_digests(true));
    let mut wire = Wire::new(&bench.trail);
    for (id, method, answer) in [
        (1, "tools/call", r#""error":{"code":-32603,"message":"x"}"#),
        (2, "tools/call", r#""result":{"resultType":"input_required","requestState":"s"}"#),
        (3, "tools/call", r#""result":{"resultType":"task","taskId":"t","status":"working"}"#),
        (4, "tools/call", r#""result":{"task":{"taskId":"t","status":"working"}}"#),
        (5, "tools/list", r#""result":{"tools":[]}"#),
        (6, "ping", r#""result":{}"#),
    ] {
        wire.client(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"name":"t","arguments":{{}}}}}}"#
        ))
        .await;
        wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#)).await;
    }
    let records = bench.records();
    for id in ["1", "2", "3", "4", "5", "6"] {
        let record = of_id(&records, id)[1];
        assert_eq!(of_result(record), [None; 4], "{id}");
        let is_call = matches!(id, "1" | "2" | "3" | "4");
        assert_eq!(of_arguments(record)[0].is_some(), is_call, "{id}");
    }
}

#[tokio::test]
async fn without_the_switch_there_are_none() {
    for view in [View::Wrapper, View::Both] {
        let bench = Bench::new();
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        call(&client, "ok").await.unwrap();
        client.cancel().await.unwrap();
        let records = format!("{:?}", bench.records());
        assert!(!records.contains("auditrail.result.") && !records.contains("auditrail.arguments."), "{view:?}");
    }
}

#[test]
fn the_variable_switches_them_on() {
    let started = |value: &str| {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::from_iter([("AUDITRAIL_RECORD_DIGESTS", value)]);
        let trail = auditrail::Trail::builder("t").directory(directory.path()).environment(environment).start();
        trail.map(|trail| trail.settings().record_digests).map_err(|error| error.to_string())
    };
    assert_eq!(started("true"), Ok(true));
    assert_eq!(started("false"), Ok(false));
    let error = started("yes").unwrap_err();
    assert!(error.contains("AUDITRAIL_RECORD_DIGESTS") && error.contains("set true or false"), "{error}");
}

/// What user code says of an output has the key of all results.
#[tokio::test]
async fn the_digest_of_an_output_is_that_of_a_result() {
    let bench = Bench::new();
    let expected = digest_by(&bench.directory.path().join("digest.key"), "auditrail result 2", b"Dear Alice");
    assert_eq!(bench.trail.result_digest("Dear Alice").as_str(), expected);
}
