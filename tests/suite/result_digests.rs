//! Digests of results, where they are switched on: what a holder of the key can verify, and nobody can read.

use auditrail::record::{Record, Value, names};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams};
use sha2::{Digest as _, Sha256};

use crate::server::{Everything, View, call, connect_as};
use crate::support::Bench;

/// Of the bytes that the client got, by the file of the key.
fn expected(bench: &Bench, result: &impl serde::Serialize) -> (Value, Value) {
    // serde_json sorts the keys of its maps, and there are no numbers and no rare characters.
    let canonical = serde_json::to_value(result).unwrap().to_string();
    let key = std::fs::read(bench.directory.path().join("digest.key")).unwrap();
    let mac = |key: &[u8], bytes: &[u8]| {
        let mut mac = <Hmac<Sha256>>::new_from_slice(key).unwrap();
        mac.update(bytes);
        mac.finalize().into_bytes()
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let derived = mac(&key, b"auditrail result 1");
    let id = Sha256::new().chain_update(b"auditrail key id 1").chain_update(&key).finalize();
    let digest = format!("{}:{}", hex(&id[..8]), hex(&mac(&derived, canonical.as_bytes())));
    (Value::from(digest), Value::Int(canonical.len() as i64))
}

fn response<'a>(records: &'a [Record], event: &str) -> &'a Record {
    let is_it =
        |record: &&Record| record.event_name == event && record.text(names::AUDITRAIL_PHASE) == Some("response");
    records.iter().find(is_it).unwrap()
}

#[tokio::test]
async fn tools_prompts_and_resources_have_them_with_and_without_a_tap() {
    for view in [View::Wrapper, View::Both] {
        let bench = Bench::with(|builder| builder.record_result_digests(true));
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        let tool = call(&client, "ok").await.unwrap();
        let prompt = client.get_prompt(GetPromptRequestParams::new("greeting")).await.unwrap();
        let resource = client.read_resource(ReadResourceRequestParams::new("file:///a.txt")).await.unwrap();
        drop(call(&client, "breaks").await);
        client.cancel().await.unwrap();
        let records = bench.records();
        for (event, expected, count) in [
            ("auditrail.mcp.tools.call", expected(&bench, &tool), tool.content.len()),
            ("auditrail.mcp.prompts.get", expected(&bench, &prompt), prompt.messages.len()),
            ("auditrail.mcp.resources.read", expected(&bench, &resource), resource.contents.len()),
        ] {
            let record = response(&records, event);
            let (digest, size) = (record.get(names::AUDITRAIL_RESULT_DIGEST), record.get(names::AUDITRAIL_RESULT_SIZE));
            assert_eq!((digest, size), (Some(&expected.0), Some(&expected.1)), "{view:?} {event}");
            assert_eq!(record.text(names::AUDITRAIL_RESULT_DIGEST_FORM), Some("jcs"));
            assert_eq!(record.get(names::AUDITRAIL_RESULT_COUNT), Some(&Value::Int(count as i64)));
        }
        let with = records.iter().filter(|record| record.get(names::AUDITRAIL_RESULT_DIGEST).is_some());
        assert_eq!(with.count(), 3, "{view:?}: no request, and no error");
    }
}

#[tokio::test]
async fn without_the_switch_there_are_none() {
    for view in [View::Wrapper, View::Both] {
        let bench = Bench::new();
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        call(&client, "ok").await.unwrap();
        client.cancel().await.unwrap();
        assert!(!format!("{:?}", bench.records()).contains("auditrail.result."), "{view:?}");
    }
}
