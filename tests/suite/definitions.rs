//! The definitions of tools on the records of new ones, where that is switched on.

use auditrail::record::{Record, Value, names};
use sha2::{Digest as _, Sha256};

use crate::support::Bench;
use crate::tapped::Wire;

/// Two definitions can be compared later, where the owner of the trail wants to keep them.
#[tokio::test]
async fn definitions_are_recorded_where_that_is_switched_on() {
    let bench = Bench::with(|builder| builder.record_tool_definitions(true));
    let mut wire = Wire::new(&bench.trail);
    // Longer than other values may be, and within what definitions may be; and one that is longer.
    let [long, longest] = [10_000, 16_384].map(|length| "é".repeat(length / 2));
    for (id, tools) in [
        r#"[{"name":"a","x":1.0,"description":"first"}]"#.to_owned(),
        r#"[ { "description":"first", "x":1, "name":"a" } ]"#.to_owned(),
        r#"[{"name":"a","description":"second"}]"#.to_owned(),
        format!(r#"[{{"name":"long","x":"{long}"}},{{"name":"longest","x":"{longest}"}}]"#),
    ]
    .iter()
    .enumerate()
    {
        wire.client(&format!(r#"{{"jsonrpc":"2.0","id":"l{id}","method":"tools/list"}}"#)).await;
        wire.server(&answer(&format!("\"l{id}\""), &format!(r#"{{"tools":{tools}}}"#))).await;
    }
    drop(wire);
    let records = bench.records();
    let told: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.mcp.tool_definition").collect();
    let definition = |record: &Record| record.text(names::AUDITRAIL_MCP_TOOL_DEFINITION).unwrap().to_owned();
    let [first, second, long_one, longest_one] = told[..] else { panic!("{told:#?}") };
    assert_eq!(definition(first), r#"{"description":"first","name":"a","x":1}"#, "RFC 8785");
    assert_eq!(definition(second), r#"{"description":"second","name":"a"}"#);
    assert_eq!(definition(long_one), format!(r#"{{"name":"long","x":"{long}"}}"#));
    assert!([first, second, long_one].iter().all(|record| record.get(names::AUDITRAIL_TRUNCATED).is_none()));
    for record in &told[..3] {
        let digest = sha2_of(definition(record).as_bytes());
        assert_eq!(record.text(names::AUDITRAIL_MCP_TOOL_DIGEST), Some(digest.as_str()));
    }
    let whole = format!(r#"{{"name":"longest","x":"{longest}"}}"#);
    let kept = definition(longest_one);
    // Two-byte characters begin at odd places here, so one byte is left.
    assert_eq!(whole.find("é").unwrap() % 2, 1);
    assert_eq!(kept.len(), 16 * 1024 - 1);
    assert!(whole.starts_with(&kept));
    assert_eq!(longest_one.text(names::AUDITRAIL_MCP_TOOL_DIGEST), Some(sha2_of(whole.as_bytes()).as_str()));
    let cut = Value::strings([names::AUDITRAIL_MCP_TOOL_DEFINITION]);
    assert_eq!(longest_one.get(names::AUDITRAIL_TRUNCATED), Some(&cut));
    let bytes = Value::Array(vec![Value::Int(whole.len() as i64)]);
    assert_eq!(longest_one.get(names::AUDITRAIL_TRUNCATED_BYTES), Some(&bytes));
}

/// A server that lists thousands of long definitions does not fill the memory or the journal: those beyond 1 MiB of one list
/// are cut to nothing, and say so.
#[tokio::test]
async fn definitions_of_one_list_are_bounded() {
    let bench = Bench::with(|builder| builder.record_tool_definitions(true));
    let mut wire = Wire::new(&bench.trail);
    let tools: Vec<_> =
        (0..100).map(|number| format!(r#"{{"name":"t{number:02}","x":"{}"}}"#, "x".repeat(20_000))).collect();
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    wire.server(&answer("1", &format!(r#"{{"tools":[{}]}}"#, tools.join(",")))).await;
    drop(wire);
    let records = bench.records();
    let told = records.iter().filter(|record| record.event_name == "auditrail.mcp.tool_definition");
    let lengths: Vec<_> = told.map(|record| record.text(names::AUDITRAIL_MCP_TOOL_DEFINITION).unwrap().len()).collect();
    assert_eq!((lengths.len(), lengths.iter().sum::<usize>()), (100, 1 << 20));
    assert_eq!((lengths[63], lengths[64], lengths[99]), (16 * 1024, 0, 0));
    let cut = records.iter().filter(|record| record.get(names::AUDITRAIL_TRUNCATED).is_some()).count();
    assert_eq!(cut, 100, "each says that it was cut");
}

fn sha2_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}
