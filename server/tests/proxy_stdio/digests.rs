//! Digests, by the proxy and by the server behind it, and the command that asks for them.

use std::path::Path;
use std::process::Command;

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use serde_json::{Value as Json, json};

use crate::examples::example;
use crate::rig::{Proxy, records};

const DIGESTS: [&str; 2] = [names::AUDITRAIL_ARGUMENTS_DIGEST, names::AUDITRAIL_RESULT_DIGEST];

fn call(id: u32, arguments: &Json, meta: Option<&Json>) -> String {
    let mut params = json!({ "name": "current_weather", "arguments": arguments });
    if let Some(meta) = meta {
        params["_meta"] = meta.clone();
    }
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string() + "\n"
}

/// A real server, with a tap of its own, behind the proxy: both see each call, in both eras, and have one key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_and_the_server_say_the_same_of_a_call_and_the_command_confirms_it() {
    let receiver = Receiver::builder().start().await.unwrap();
    let server = example("rmcp_stdio").display().to_string();
    let proxy = Proxy::of(&[&server])
        .collector(&receiver)
        .configured("[record]\ndigests = true\n")
        .env("AUDITRAIL_RECORD_DIGESTS", "true");
    let mut running = proxy.start();
    running.send(concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
        r#""clientInfo":{"name":"t","version":"1"}}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n"
    ));
    running.read_until(r#""id":1"#);
    let given = json!({ "city": "Lisbon" });
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    running.send(&call(2, &given, None));
    running.read_until(r#""id":2"#);
    running.send(&call(3, &given, Some(&meta)));
    running.read_until(r#""id":3"#);
    let played = running.end();
    let answers: Vec<Json> = played.lines();
    let state = played.directory.path().join("state");
    let calls: Vec<Record> =
        records(&receiver).into_iter().filter(|record| record.event_name == "auditrail.mcp.tools.call").collect();
    for id in ["2", "3"] {
        let ended = |observer: &str| {
            let is_it = |record: &&Record| {
                record.text(names::JSONRPC_REQUEST_ID) == Some(id)
                    && record.text(names::AUDITRAIL_PHASE) == Some("response")
                    && record.text(names::AUDITRAIL_OBSERVED_BY) == Some(observer)
            };
            let record = calls.iter().find(is_it).unwrap_or_else(|| panic!("{id} {observer}: {calls:#?}"));
            DIGESTS.map(|name| record.text(name).map(str::to_owned))
        };
        let said = ended("proxy");
        assert_eq!(said, ended("server"), "{id}");
        assert!(said[0].is_some(), "{id}");
        let answer = answers.iter().find(|answer| answer["id"].as_i64() == id.parse().ok()).unwrap();
        let values = [Some(given.clone()), answer.get("result").cloned()];
        for (said, (class, value)) in said.iter().zip([("arguments", &values[0]), ("result", &values[1])]) {
            let (Some(said), Some(value)) = (said, value) else { continue };
            let found = hash(&state, &[class, &value.to_string()]);
            assert_eq!(found[0]["digest"].as_str(), Some(said.as_str()), "{id} {class}");
            assert_eq!(found[0]["form"], "jcs");
        }
        assert_eq!(said[1].is_some(), values[1].is_some(), "{id}: {answer}");
    }
}

/// The level of a rule in the proxy's file decides what of content leaves, and without one nothing does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_of_the_file_puts_content_on_records_and_nothing_else_does() {
    let answer = r#"read l; echo '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"canary-gave, or ada@example.com"}]}}'"#;
    let asked =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":"canary-given"}}}"#;
    for (level, given, gave) in [(None, false, false), (Some("arguments"), true, false), (Some("full"), true, true)] {
        let receiver = Receiver::builder().start().await.unwrap();
        let rule =
            level.map(|level| format!("[[rule]]\nname = \"t\"\nmatch = {{ tool = \"t\" }}\nlevel = \"{level}\"\n"));
        let proxy = Proxy::of_script(answer).collector(&receiver).configured(&rule.unwrap_or_default());
        let mut running = proxy.start();
        running.send(&format!("{asked}\n"));
        running.read_until("canary-gave");
        let played = running.end();
        let (said, records) = (played.said, records(&receiver));
        let text = format!("{records:?}");
        assert_eq!([text.contains("canary-given"), text.contains("canary-gave")], [given, gave], "{level:?}: {text}");
        assert!(!text.contains("ada@example.com"), "{level:?}: {text}");
        assert!(!said.contains("canary"), "{said}");
        let digests = DIGESTS.map(|name| records.iter().any(|record| record.text(name).is_some()));
        assert_eq!(digests, [given, gave], "{level:?}: what is recorded has its digest");
    }
}

/// A key that was replaced still tells.
#[test]
fn old_keys_answer_as_long_as_they_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path();
    std::fs::write(state.join("digest.key"), [7; 32]).unwrap();
    let [jcs, raw] = hash(state, &["arguments", r#"{ "b":1, "a":2 }"#]).try_into().unwrap();
    assert_eq!((jcs["form"].as_str(), raw["form"].as_str()), (Some("jcs"), Some("raw")));
    assert_eq!((jcs["size"].as_u64(), raw["size"].as_u64()), (Some(13), Some(16)));
    // By Python: hmac.new(hmac.new(bytes([7]) * 32, b"auditrail arguments 1", "sha256").digest(), b'{"a":2,"b":1}', "sha256")
    assert_eq!(jcs["digest"], JCS);
    let id = jcs["key_id"].as_str().unwrap().to_owned();
    std::fs::rename(state.join("digest.key"), state.join(format!("digest.key.{id}"))).unwrap();
    std::fs::write(state.join("digest.key"), [8; 32]).unwrap();
    let found = hash(state, &["arguments", r#"{"a":2,"b":1}"#]);
    let ids: Vec<_> = found.iter().map(|found| found["key_id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[2]), (4, id.as_str()), "the present one is first");
    assert_eq!(found[2]["digest"], JCS);
    assert_eq!(hash(state, &["arguments", "{}", "--key-id", &id]).len(), 2);
    // A file, and what is no JSON.
    let file = state.join("value");
    std::fs::write(&file, b"\xff").unwrap();
    let found = hash(state, &["result", "--file", file.to_str().unwrap(), "--key-id", &id]);
    assert_eq!((found.len(), found[0]["form"].as_str(), found[0]["size"].as_u64()), (1, Some("raw"), Some(1)));
    // Classes have keys of their own.
    let [content, subject] = ["content", "subject"].map(|class| hash(state, &[class, "x"])[0]["digest"].clone());
    assert_ne!(content, subject);
}

#[test]
fn mistakes_name_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().display().to_string();
    let said = |arguments: &[&str]| {
        let output = command(arguments).args(["--dir", &state]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&["argument", "{}"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("no digests are of the class argument; use one of: arguments, result"), "{text}");
    let (code, text) = said(&["arguments", "{}"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("there is no digest.key in"), "{text}");
    std::fs::write(directory.path().join("digest.key"), [7; 31]).unwrap();
    let (_, text) = said(&["arguments", "{}"]);
    assert!(text.contains("is no key: a key has 32 bytes"), "{text}");
    std::fs::write(directory.path().join("digest.key"), [7; 32]).unwrap();
    let (_, text) = said(&["arguments", "{}", "--key-id", "0000000000000000"]);
    assert!(text.contains("has the id 0000000000000000"), "{text}");
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
    command.arg("hash").args(arguments).env_remove("AUDITRAIL_DIR");
    command
}

fn hash(state: &Path, arguments: &[&str]) -> Vec<Json> {
    let output = command(arguments).arg("--dir").arg(state).args(["--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    answer["digests"].as_array().unwrap().clone()
}

const JCS: &str = "b752b22d805cc998:fafb1d330e27a0496b8c16c410439ee475d60e34a284286e7f9d2c74a15bac58";
