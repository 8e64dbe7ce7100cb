//! What a tap records of passing messages: each request is one pair of records with its outcome, whatever is sent.

use auditrail::policy::Decision;
use auditrail::record::{Record, Value, names};
use auditrail::trail::Actor;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, ending, ids, record_ids, tracer};
use crate::tapped::{Wire, of_id};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"inspector","version":"7"}}}"#;
const INITIALIZED: &str = r#"{"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}},"jsonrpc":"2.0","id":0}"#;

fn tool(id: &str, name: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"arguments":{{"canary":"canary-argument"}},"name":"{name}"}},"id":{id}}}"#
    )
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"result":{result},"jsonrpc":"2.0","id":{id}}}"#)
}

fn only_pair<'a>(records: &'a [Record], id: &str) -> [&'a Record; 2] {
    let is_half = |record: &&Record| record.text(names::AUDITRAIL_PHASE).is_some();
    let pair: Vec<_> = of_id(records, id).into_iter().filter(is_half).collect();
    assert_eq!(pair.len(), 2, "one pair for {id}: {pair:#?}");
    assert_eq!(ending(pair[0]), ("request", "unknown", ""), "{id}");
    assert_eq!(pair[0].text(names::AUDITRAIL_CALL_ID), pair[1].text(names::AUDITRAIL_CALL_ID), "{id}");
    [pair[0], pair[1]]
}

#[tokio::test]
async fn every_way_in_which_a_call_ends_is_told_apart() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for (id, result) in
        [("1", r#"{"content":[{"type":"text","text":"canary-result"}]}"#), ("2", r#"{"isError":true,"content":[]}"#)]
    {
        wire.client(&tool(id, "a")).await;
        wire.server(&answer(id, result)).await;
    }
    for id in ["3", "4", "5", "6"] {
        wire.client(&tool(id, "a")).await;
    }
    wire.server(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"canary-message"}}"#).await;
    wire.client(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4,"reason":"User said so"}}"#,
    )
    .await;
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"McpError: MCP error -32001: Request timed out"}}"#).await;
    drop(wire);
    let records = bench.records();
    for (id, outcome, error_type) in [
        ("1", ("response", "success", "ok"), None),
        ("2", ("response", "failure", "tool_error"), Some("tool_error")),
        ("3", ("response", "failure", "jsonrpc_error"), Some("-32602")),
        ("6", ("response", "unknown", "no_response"), Some("disconnected")),
    ] {
        let [_, response] = only_pair(&records, id);
        assert_eq!((ending(response), response.text(names::ERROR_TYPE)), (outcome, error_type), "{id}");
        assert_eq!(response.text(names::GEN_AI_TOOL_NAME), Some("a"));
    }
    for (id, detail) in [("4", "cancelled"), ("5", "timeout")] {
        let all = of_id(&records, id);
        assert_eq!(all.len(), 3, "a pair, and the notification that cancels it");
        let [request, response, notification] =
            ["request", "response", ""].map(|phase| *all.iter().find(|record| ending(record).0 == phase).unwrap());
        assert_eq!(ending(response), ("response", "unknown", detail));
        assert_eq!(notification.event_name, "auditrail.mcp.notification");
        assert_eq!(notification.text(names::AUDITRAIL_CALL_ID), request.text(names::AUDITRAIL_CALL_ID));
    }
    assert_eq!(records.len(), 6 * 2 + 2);
    let seen = bench.trail.wire_counts();
    assert_eq!((seen.messages, seen.unasked, seen.flawed, seen.evicted), (11, 0, 0, 0));
    assert!(!format!("{records:?}").contains("canary"), "nothing of a payload is kept");
}

/// What is no JSON-RPC message ends nothing, and counts nowhere, whatever it looks like.
#[tokio::test]
async fn what_is_no_message_ends_no_call() {
    for noise in [
        r#"{"type":"heartbeat","error":null}"#,
        r#"{"type":"heartbeat","error":{}}"#,
        r#"{"level":"error","error":{"code":500,"message":"a log line"}}"#,
        r#"{"id":1,"error":{"code":500,"message":"a log line"}}"#,
        r#"{"id":1,"result":{"isError":true}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":"E1"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":[1],"error":{"code":500,"message":""}}"#,
        r#"{"level":"info","method":"GET"}"#,
        r#"{"level":"info","method":"GET","id":1}"#,
    ] {
        let bench = Bench::new();
        let mut wire = Wire::new(&bench.trail);
        wire.client(&tool("1", "a")).await;
        // The one error without an id that there may be is for this.
        wire.client(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#).await;
        wire.server(noise).await;
        wire.server(&answer("1", "{}")).await;
        drop(wire);
        let records = bench.records();
        let [_, response] = only_pair(&records, "1");
        assert_eq!(ending(response), ("response", "success", "ok"), "{noise}");
        let of_ping = |record: &&Record| record.text(names::MCP_METHOD_NAME) == Some("ping");
        let ping: Vec<_> = records.iter().filter(of_ping).map(|record| ending(record).2).collect();
        assert_eq!(ping, ["", "no_response"], "{noise}");
        assert_eq!((bench.trail.wire_counts().flawed, bench.trail.wire_counts().unasked), (1, 0), "{noise}");
        let asked = |record: &&Record| record.text(names::AUDITRAIL_MCP_DIRECTION) == Some("server_to_client");
        assert_eq!(
            records.iter().filter(asked).filter_map(|record| record.text(names::MCP_METHOD_NAME)).count(),
            0,
            "{noise}"
        );
    }
}

#[tokio::test]
async fn an_answer_finds_its_request_whatever_type_its_id_has() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(INITIALIZE).await;
    wire.server(&INITIALIZED.replace(r#""id":0"#, r#""id":"0""#)).await;
    // Asked as, and answered as.
    for (tool_name, asked, answered) in [
        ("string", "1", r#""1""#),
        ("number", r#""2""#, "2"),
        ("zeros", "3", r#"" 03 ""#),
        ("negative", "-4", r#""-4""#),
    ] {
        wire.client(&tool(asked, tool_name)).await;
        wire.server(&answer(answered, "{}")).await;
    }
    wire.client(&tool("5", "error")).await;
    wire.server(r#"{"jsonrpc":"2.0","id":"5","error":{"code":-7,"message":""}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":6,"method":"roots/list"}"#).await;
    wire.client(&answer(r#""6""#, r#"{"roots":[]}"#)).await;
    wire.client(&tool("7", "cancelled")).await;
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"7"}}"#).await;
    // No other number, and no text that is none.
    wire.client(&tool("8", "open")).await;
    for other in [r#""80""#, r#""8.5""#, r#""eight""#, r#""""#, "8.5", "true"] {
        wire.server(&answer(other, "{}")).await;
    }
    drop(wire);
    let records = bench.records();
    let end = |subject: &str| {
        let of_it = |record: &&Record| {
            [names::GEN_AI_TOOL_NAME, names::MCP_METHOD_NAME].iter().any(|name| record.text(name) == Some(subject))
        };
        let ends: Vec<_> = records.iter().filter(of_it).filter(|record| ending(record).0 == "response").collect();
        assert_eq!(ends.len(), 1, "{subject}: {ends:#?}");
        ending(ends[0]).2
    };
    for (subject, expected) in [
        ("initialize", "ok"),
        ("string", "ok"),
        ("number", "ok"),
        ("zeros", "ok"),
        ("negative", "ok"),
        ("error", "jsonrpc_error"),
        ("roots/list", "ok"),
        ("cancelled", "cancelled"),
        ("open", "no_response"),
    ] {
        assert_eq!(end(subject), expected, "{subject}");
    }
    let states: Vec<_> = records.iter().filter_map(|record| record.text(names::AUDITRAIL_MCP_SESSION_STATE)).collect();
    assert_eq!(states, ["start", "end"]);
}

#[tokio::test]
async fn both_directions_are_paired_although_their_ids_are_equal() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&tool("0", "a")).await;
    wire.server(r#"{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"messages":[]}}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":"User rejected sampling request"}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":"0","method":"roots/list"}"#).await;
    wire.server(&answer("0", "{}")).await;
    wire.client(r#"{"jsonrpc":"2.0","id":"0","result":{"roots":[]}}"#).await;
    drop(wire);
    let records = bench.records();
    for (method, direction, outcome, kind, actor) in [
        ("tools/call", "client_to_server", "ok", "number", ("anonymous", "user")),
        ("sampling/createMessage", "server_to_client", "jsonrpc_error", "number", ("bench", "service")),
        ("roots/list", "server_to_client", "ok", "string", ("bench", "service")),
    ] {
        let pair: Vec<_> =
            records.iter().filter(|record| record.text(names::MCP_METHOD_NAME) == Some(method)).collect();
        assert_eq!((pair.len(), ending(pair[1]).2), (2, outcome), "{method}");
        for record in pair {
            assert_eq!(record.text(names::AUDITRAIL_MCP_DIRECTION), Some(direction), "{method}");
            assert_eq!(record.text(names::AUDITRAIL_JSONRPC_ID_TYPE), Some(kind), "{method}");
            let who = [names::AUDIT_ACTOR_ID, names::AUDIT_ACTOR_TYPE].map(|name| record.text(name).unwrap());
            assert_eq!((who[0], who[1]), actor, "{method}");
        }
    }
    assert_eq!(records.len(), 6);
}

#[tokio::test]
async fn ids_that_mcp_does_not_allow_and_ids_used_twice_are_audited_all_the_same() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for asked in [r#""id":null,"method":"ping""#, r#""id":1.5,"method":"tools/list""#] {
        wire.client(&format!(r#"{{"jsonrpc":"2.0",{asked}}}"#)).await;
        wire.server(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}"#).await;
    }
    wire.client(r#"[{"jsonrpc":"2.0","id":8,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":9,"method":"prompts/list"}]"#).await;
    // Some servers leave the id out where they have none.
    wire.server(r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid request"}}"#).await;
    wire.client(&tool("7", "first")).await;
    wire.client(&tool("7.0", "second")).await;
    wire.server(&answer("7", "{}")).await;
    drop(wire);
    let records = bench.records();
    let ends = |method: &str, phase: &str| -> Vec<String> {
        let is_meant = |record: &&Record| {
            record.text(names::MCP_METHOD_NAME) == Some(method) && record.text(names::AUDITRAIL_PHASE) == Some(phase)
        };
        records
            .iter()
            .filter(is_meant)
            .map(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL).or(record.text(names::ERROR_TYPE)))
            .map(|end| end.unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(ends("ping", "response"), ["jsonrpc_error", "jsonrpc_error"]);
    assert_eq!(ends("tools/list", "response"), ["jsonrpc_error"]);
    assert_eq!(ends("prompts/list", "response"), ["jsonrpc_error"]);
    assert_eq!(ends("tools/call", "response"), ["ambiguous_id", "ambiguous_id"], "one answer for one of both");
    assert_eq!(ends("tools/call", "request").len(), 2);
    let null = records.iter().find(|record| record.text(names::MCP_METHOD_NAME) == Some("ping")).unwrap();
    assert_eq!(null.text(names::AUDITRAIL_JSONRPC_ID_TYPE), Some("null"));
    assert_eq!(null.text(names::JSONRPC_REQUEST_ID), None);
}

#[tokio::test]
async fn what_is_no_message_leaves_one_record_that_says_so() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for line in ["[]", "17", "{}", "\"\u{ff}\"", r#"{"jsonrpc":"2.0","id":1,"method":17}"#] {
        let before = bench.records().len();
        wire.client(line).await;
        let records = bench.records();
        assert_eq!(records.len(), before + 1, "{line:.40}");
        let record = records.last().unwrap();
        assert_eq!(record.event_name, "auditrail.mcp.request");
        assert_eq!((ending(record).0, ending(record).1), ("", "failure"), "a moment, no half");
        assert_eq!(record.text(names::ERROR_TYPE), Some("-32600"), "{line:.40}");
        assert_eq!(record.text(names::MCP_METHOD_NAME), None);
    }
    wire.client_bytes(b"\n  \r\n").await;
    assert_eq!(bench.records().len(), 5, "blank lines are nothing");
    assert_eq!(bench.trail.wire_counts().flawed, 5);
}

/// A server that logs to standard output: what it is about is seen by the first lines, and none goes untold.
#[tokio::test]
async fn lines_of_a_log_are_told_by_the_first_and_by_counts() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(INITIALIZE).await;
    for number in 0..500 {
        wire.server(&format!("[canary] INFO handled request {number}")).await;
        wire.server(r#"{"level":"info","method":"GET","msg":"canary"}"#).await;
        wire.server(r#"{"level":"info","method":"tools/call","id":0,"result":{}}"#).await;
    }
    wire.server(INITIALIZED).await;
    drop(wire);
    let records = bench.records();
    let flawed: Vec<_> =
        records.iter().filter(|record| ending(record).0.is_empty() && ending(record).1 == "failure").collect();
    let count = |record: &&&Record| match record.get(names::AUDITRAIL_MCP_FLAWED_COUNT) {
        Some(Value::Int(count)) => *count,
        None => 1,
        other => panic!("{other:?}"),
    };
    for (code, total) in [("-32700", 500), ("-32600", 1000)] {
        let of_code = flawed.iter().filter(|record| record.text(names::ERROR_TYPE) == Some(code));
        assert_eq!(of_code.clone().map(|record| count(&record)).sum::<i64>(), total, "{code}");
        assert!(of_code.clone().all(|record| record.text(names::AUDITRAIL_MCP_TRANSPORT) == Some("stdio")));
    }
    let singles = flawed.iter().filter(|record| record.get(names::AUDITRAIL_MCP_FLAWED_COUNT).is_none()).count();
    assert!(singles == 3 && flawed.len() < 14, "{singles} of {}", flawed.len());
    assert_eq!(bench.trail.wire_counts().flawed, 1500);
    assert!(!records.iter().any(|record| record.event_name == "auditrail.mcp.notification"));
    let end = records.last().unwrap();
    assert_eq!(end.text(names::AUDITRAIL_MCP_SESSION_STATE), Some("end"), "the counts come before it");
    assert_eq!(end.get(names::AUDITRAIL_MCP_SESSION_REQUESTS_TO_CLIENT), Some(&Value::Int(0)), "nobody was asked");
    let [_, initialized] = only_pair(&records, "0");
    assert_eq!(ending(initialized), ("response", "success", "ok"));
    let said = bench.said();
    assert_eq!(said.iter().filter(|text| text.contains("log to standard error")).count(), 1, "{said:?}");
    assert!(!format!("{records:?}{said:?}").contains("canary"));
}

/// Some servers run what does not say that it is JSON-RPC, so it has its pair; nor is anything counted of what a client sends.
#[tokio::test]
async fn what_a_client_sends_is_told_each_for_itself() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(r#"{"id":1,"method":"tools/call","params":{"name":"a"}}"#).await;
    wire.server(&answer("1", "{}")).await;
    for _ in 0..20 {
        wire.client("INFO").await;
    }
    drop(wire);
    let records = bench.records();
    assert_eq!(ending(only_pair(&records, "1")[1]), ("response", "success", "ok"));
    assert_eq!(records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("unreadable")).count(), 20);
    assert!(records.iter().all(|record| record.get(names::AUDITRAIL_MCP_FLAWED_COUNT).is_none()));
    let said = bench.said();
    assert!(said.iter().all(|text| text.contains("no tracing subscriber")), "{said:?}");
}

#[tokio::test]
async fn a_session_begins_and_ends_with_its_counts() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(INITIALIZE).await;
    wire.server(INITIALIZED).await;
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    wire.client(&tool("1", "a")).await;
    wire.server(r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#).await;
    wire.client(&answer("0", "{}")).await;
    wire.server(&answer("1", r#"{"isError":true}"#)).await;
    drop(wire);
    let records = bench.records();
    let sessions: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.mcp.session").collect();
    let [start, end] = sessions[..] else { panic!("{sessions:#?}") };
    for (record, state, action) in [(start, "start", "CONNECT"), (end, "end", "DISCONNECT")] {
        assert_eq!(record.text(names::AUDITRAIL_MCP_SESSION_STATE), Some(state));
        assert_eq!(record.text(names::AUDIT_ACTION), Some(action));
        assert_eq!(record.text(names::AUDITRAIL_CLIENT_NAME), Some("inspector"));
        assert_eq!(record.text(names::MCP_PROTOCOL_VERSION), Some("2025-06-18"), "what the server has chosen");
        assert_eq!(record.text(names::MCP_METHOD_NAME), None);
        assert_eq!(ending(record).1, "success");
    }
    let counts = [
        names::AUDITRAIL_MCP_SESSION_REQUESTS,
        names::AUDITRAIL_MCP_SESSION_REQUESTS_TO_CLIENT,
        names::AUDITRAIL_MCP_SESSION_NOTIFICATIONS,
        names::AUDITRAIL_MCP_SESSION_FAILURES,
    ];
    assert_eq!(counts.map(|name| end.get(name).cloned()), [2, 1, 1, 1].map(|count| Some(Value::Int(count))));
    let call = only_pair(&records, "1")[0];
    assert_eq!(call.text(names::AUDITRAIL_CLIENT_VERSION), Some("7"));
    assert_eq!(call.text(names::MCP_PROTOCOL_VERSION), Some("2025-06-18"));
    assert_eq!(call.text(names::MCP_SESSION_ID), None, "stdio has no session id");
}

#[tokio::test]
async fn a_changed_tool_is_told_and_calls_name_the_definition_that_they_use() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    let list = |schema: &str| {
        format!(
            r#"{{"tools":[{{"name":"a","description":"canary-description","inputSchema":{schema}}},{{"name":"b"}}]}}"#
        )
    };
    let lists = [r#"{"type":"object","x":1.0}"#, r#"{"x":1,"type":"object"}"#, r#"{"type":"array"}"#].map(list);
    for (id, list) in lists.iter().enumerate() {
        wire.client(&format!(r#"{{"jsonrpc":"2.0","id":"l{id}","method":"tools/list"}}"#)).await;
        wire.server(&answer(&format!("\"l{id}\""), list)).await;
        wire.client(&tool(&format!("{id}"), "a")).await;
        wire.server(&answer(&format!("{id}"), "{}")).await;
    }
    drop(wire);
    let records = bench.records();
    let digest = |record: &Record| record.text(names::AUDITRAIL_MCP_TOOL_DIGEST).unwrap().to_owned();
    let used: Vec<_> = ["0", "1", "2"].iter().map(|id| digest(only_pair(&records, id)[0])).collect();
    assert_eq!(used[0], used[1], "the same in canonical form");
    assert_ne!(used[1], used[2]);
    let told: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.mcp.tool_definition").collect();
    let [first, other, change] = told[..] else { panic!("{told:#?}") };
    for (record, tool, action, list) in
        [(first, "a", "CREATE", "l0"), (other, "b", "CREATE", "l0"), (change, "a", "UPDATE", "l2")]
    {
        assert_eq!(
            (record.text(names::GEN_AI_TOOL_NAME), record.text(names::AUDIT_ACTION)),
            (Some(tool), Some(action))
        );
        let listed = only_pair(&records, list)[0];
        assert_eq!(record.text(names::AUDITRAIL_CALL_ID), listed.text(names::AUDITRAIL_CALL_ID), "who listed them");
        assert_eq!(record.text(names::AUDITRAIL_MCP_DIRECTION), Some("client_to_server"));
        assert_eq!(ending(record), ("", "success", ""));
    }
    assert_eq!([first, change].map(digest), [used[0].clone(), used[2].clone()]);
    assert_eq!(first.text(names::AUDITRAIL_MCP_TOOL_PREVIOUS_DIGEST), None);
    assert_eq!(change.text(names::AUDITRAIL_MCP_TOOL_PREVIOUS_DIGEST), Some(used[0].as_str()));
    assert!(!format!("{records:?}").contains("canary"));
    assert!(told.iter().all(|record| record.get(names::AUDITRAIL_MCP_TOOL_DEFINITION).is_none()), "off by default");
}

#[tokio::test]
async fn rounds_and_tasks_lead_back_to_the_call_that_began_them() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&tool("1", "asks")).await;
    wire.server(&answer("1", r#"{"resultType":"input_required","requestState":"canary-state-1","inputRequests":{}}"#))
        .await;
    for (id, state, next) in [("2", "canary-state-1", Some("canary-state-2")), ("3", "canary-state-2", None)] {
        wire.client(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"asks","requestState":"{state}"}}}}"#
        ))
        .await;
        let result = next
            .map_or("{}".to_owned(), |next| format!(r#"{{"requestState":"{next}","resultType":"input_required"}}"#));
        wire.server(&answer(id, &result)).await;
    }
    wire.client(&tool("4", "long")).await;
    wire.server(&answer("4", r#"{"resultType":"task","taskId":"t-1","status":"working"}"#)).await;
    wire.client(r#"{"jsonrpc":"2.0","id":5,"method":"tasks/get","params":{"taskId":"t-1"}}"#).await;
    wire.server(&answer("5", r#"{"taskId":"t-1","status":"completed"}"#)).await;
    drop(wire);
    let records = bench.records();
    let [first, asked] = only_pair(&records, "1");
    assert_eq!(ending(asked), ("response", "unknown", "input_required"));
    let (issued, received) = (names::AUDITRAIL_MCP_REQUEST_STATE_ISSUED, names::AUDITRAIL_MCP_REQUEST_STATE_RECEIVED);
    assert!(asked.text(issued).is_some_and(|digest| digest.len() == 64));
    assert!(asked.text(names::AUDITRAIL_DIGEST_KEY_ID).is_some_and(|id| id.len() == 16));
    let second = only_pair(&records, "2");
    assert_eq!(second[0].text(received), asked.text(issued));
    assert_ne!(second[1].text(issued), asked.text(issued));
    assert_eq!(only_pair(&records, "3")[0].text(received), second[1].text(issued));
    for id in ["2", "3"] {
        let origin = only_pair(&records, id)[0].text(names::AUDITRAIL_CALL_ORIGIN_ID);
        assert_eq!(origin, first.text(names::AUDITRAIL_CALL_ID), "round {id} leads back to the first");
    }
    let [begun, handle] = only_pair(&records, "4");
    assert_eq!(ending(handle), ("response", "unknown", "task"));
    assert_eq!(handle.text(names::AUDITRAIL_MCP_TASK_ID), Some("t-1"));
    let [get, got] = only_pair(&records, "5");
    assert_eq!(get.text(names::AUDITRAIL_CALL_ORIGIN_ID), begun.text(names::AUDITRAIL_CALL_ID));
    assert_eq!((get.text(names::AUDIT_TARGET_TYPE), get.text(names::AUDIT_TARGET_ID)), (Some("task"), Some("t-1")));
    assert_eq!(got.text(names::AUDITRAIL_MCP_TASK_STATUS), Some("completed"));
    assert!(!format!("{records:?}").contains("canary"));
}

/// A server may give the same state in every call, and the same task twice.
#[tokio::test]
async fn rounds_of_two_calls_with_one_state_are_kept_apart() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    let asks = r#"{"resultType":"input_required","requestState":"round 1"}"#;
    let goes_on = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"asks","requestState":"round 1"}}}}"#
        )
    };
    for [first, second, third] in [["1", "2", "3"], ["4", "5", "6"]] {
        wire.client(&tool(first, "asks")).await;
        wire.server(&answer(first, asks)).await;
        wire.client(&goes_on(second)).await;
        wire.server(&answer(second, asks)).await;
        wire.client(&goes_on(third)).await;
        wire.server(&answer(third, "{}")).await;
    }
    let records = bench.records();
    for [first, second, third] in [["1", "2", "3"], ["4", "5", "6"]] {
        let call = only_pair(&records, first)[0].text(names::AUDITRAIL_CALL_ID);
        assert_eq!(
            [second, third].map(|id| only_pair(&records, id)[0].text(names::AUDITRAIL_CALL_ORIGIN_ID)),
            [call; 2]
        );
    }
}

#[tokio::test]
async fn the_callers_span_is_the_parent_and_the_records_carry_the_calls_own() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let _guard = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .set_default();
    let around = tracing::info_span!("serve_inner").entered();
    let mut wire = Wire::new(&bench.trail);
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}"#).await;
    wire.server(&answer("1", "{}")).await;
    drop((wire, around));
    let span = spans.named("tools/call a");
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert!(only_pair(&bench.records(), "1").iter().all(|record| record_ids(record) == ids(&span)));
}

#[tokio::test]
async fn a_subscription_is_open_until_it_is_closed() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for id in ["1", "2"] {
        wire.client(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"subscriptions/listen","params":{{}}}}"#)).await;
    }
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#).await;
    drop(wire);
    let records = bench.records();
    for id in ["1", "2"] {
        let response = of_id(&records, id).into_iter().find(|record| ending(record).0 == "response").unwrap();
        assert_eq!(ending(response).2, "cancelled", "{id}");
        assert_eq!(response.text(names::MCP_METHOD_NAME), Some("subscriptions/listen"));
    }
}

#[tokio::test]
async fn a_tap_alone_tells_of_a_denial_that_it_could_not_enforce() {
    let bench = Bench::with(|builder| {
        builder.authorize(|_| Decision::deny("not on Sundays")).actor(|_| Some(Actor::verified("alice")))
    });
    let mut wire = Wire::new(&bench.trail);
    for id in ["1", "2"] {
        wire.client(&tool(id, "a")).await;
    }
    wire.server(&answer("1", "{}")).await;
    wire.server(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32043,"message":"call denied"}}"#).await;
    let records = bench.records();
    let ran = only_pair(&records, "1");
    assert!(ran.iter().all(|record| record.text(names::AUDITRAIL_DECISION) == Some("deny")));
    assert_eq!(ending(ran[1]), ("response", "success", "ok"), "it ran, and the record does not hide it");
    assert_eq!(ran[1].text(names::AUDIT_ACTOR_ID), Some("alice"));
    assert_eq!(ending(only_pair(&records, "2")[1]), ("response", "failure", "denied"));
}

#[tokio::test]
async fn one_call_too_many_ends_the_oldest() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for id in 0..4100 {
        wire.client(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).await;
    }
    let ended = |records: &[Record]| records.iter().filter(|record| ending(record).0 == "response").count();
    assert_eq!(ended(&bench.records()), 4);
    assert_eq!(of_id(&bench.records(), "0")[1].text(names::ERROR_TYPE), Some("evicted"));
    assert_eq!(bench.trail.wire_counts().evicted, 4);
    drop(wire);
    assert_eq!(ended(&bench.records()), 4100, "none is left open");
}
