//! Arguments and results on records: only where the policy wants them, and only as the redactor lets them through.

use auditrail::policy::redaction::Redactor;
use auditrail::policy::{Level, Policy, Rule};
use auditrail::record::{Outcome, Record, Value, names};
use auditrail::trail::Call;
use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams};
use serde_json::{Value as Json, json};

use crate::server::{Everything, View, call, connect_as};
use crate::support::{Bench, tracer};
use crate::tapped::{Wire, of_id};

const CONTENT: [&str; 5] = [
    names::GEN_AI_TOOL_CALL_ARGUMENTS,
    names::GEN_AI_TOOL_CALL_RESULT,
    names::AUDITRAIL_PROMPT_ARGUMENTS,
    names::AUDITRAIL_PROMPT_RESULT,
    names::AUDITRAIL_RESOURCE_RESULT,
];

fn policy(level: Level) -> Policy {
    Policy::builder().rule(Rule::named("all").method("*").level(level)).redactor(Redactor::default()).build().unwrap()
}

/// The names of the content on a record.
fn content(record: &Record) -> Vec<&'static str> {
    CONTENT.into_iter().filter(|name| record.get(name).is_some()).collect()
}

fn json_of(record: &Record, name: &str) -> Json {
    serde_json::from_str(record.text(name).unwrap()).unwrap()
}

fn halves<'a>(records: &'a [Record], event: &str) -> [&'a Record; 2] {
    let mut halves = records.iter().filter(|record| record.event_name == event);
    [halves.next().unwrap(), halves.next().unwrap()]
}

fn strings(record: &Record, name: &str) -> Vec<String> {
    match record.get(name) {
        Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn each_level_has_what_it_says_with_and_without_a_tap() {
    for view in [View::Wrapper, View::Both] {
        for level in [Level::Metadata, Level::Arguments, Level::Full] {
            let bench = Bench::with(|builder| builder.policy(policy(level)));
            let client = connect_as(view, &bench.trail, Everything::default()).await;
            call(&client, "ok").await.unwrap();
            let given = json!({ "to": "canary-person" }).as_object().unwrap().clone();
            client.get_prompt(GetPromptRequestParams::new("greeting").with_arguments(given)).await.unwrap();
            client.read_resource(ReadResourceRequestParams::new("file:///a.txt")).await.unwrap();
            client.cancel().await.unwrap();
            let records = bench.records();
            let found = ["tools.call", "prompts.get", "resources.read"]
                .map(|event| halves(&records, &format!("auditrail.mcp.{event}")).map(content));
            let [tool, prompt] = [[CONTENT[0], CONTENT[1]], [CONTENT[2], CONTENT[3]]];
            let expected: [[Vec<&str>; 2]; 3] = match level {
                Level::Arguments => {
                    [[vec![tool[0]], vec![tool[0]]], [vec![prompt[0]], vec![prompt[0]]], [vec![], vec![]]]
                }
                Level::Full => {
                    [[vec![tool[0]], tool.to_vec()], [vec![prompt[0]], prompt.to_vec()], [vec![], vec![CONTENT[4]]]]
                }
                _ => Default::default(),
            };
            assert_eq!(found, expected, "{view:?} {level:?}");
            if level == Level::Metadata {
                assert!(!format!("{records:?}").contains("canary"), "{view:?}");
            }
        }
    }
}

/// One call whose content is known, at that level.
async fn one_call(build: impl FnOnce() -> Policy, arguments: &str, result: &str) -> (Bench, Vec<Record>) {
    let bench = Bench::with(|builder| builder.policy(build()));
    let mut wire = Wire::new(&bench.trail);
    wire.client(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#
    ))
    .await;
    wire.server(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)).await;
    drop(wire);
    let records = bench.records().into_iter().filter(|record| record.event_name.ends_with("tools.call")).collect();
    (bench, records)
}

#[tokio::test]
async fn content_is_what_the_redactor_leaves_of_it_and_says_where() {
    let arguments = r#"{"city":"Lisbon","card":"4111 1111 1111 1111","n":1.0}"#;
    let result = r#"{"_meta":{"x":"canary"},"content":[{"type":"text","text":"write to ada@example.com"}]}"#;
    let (_bench, records) = one_call(|| policy(Level::Full), arguments, result).await;
    let [request, response] = [&records[0], &records[1]];
    for record in [request, response] {
        let arguments = json_of(record, names::GEN_AI_TOOL_CALL_ARGUMENTS);
        assert_eq!((arguments["city"].as_str(), arguments["n"].as_i64()), (Some("Lisbon"), Some(1)));
        assert!(!arguments["card"].as_str().unwrap().contains("4111"), "{arguments}");
    }
    let result = response.text(names::GEN_AI_TOOL_CALL_RESULT).unwrap();
    assert!(result.contains("write to ") && !result.contains("ada@") && !result.contains("canary"), "{result}");
    // Names of members are told only where a rule has them.
    assert_eq!(strings(request, names::AUDITRAIL_REDACTED), ["arguments.*"]);
    let [given, gave] = strings(response, names::AUDITRAIL_REDACTED).try_into().unwrap();
    assert!(given == "arguments.*" && gave.starts_with("result."), "{given} {gave}");
    // Content never comes without what identifies it.
    for name in [names::AUDITRAIL_ARGUMENTS_DIGEST, names::AUDITRAIL_RESULT_DIGEST] {
        assert!(response.text(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_is_longer_than_64_kib_is_named_and_not_recorded() {
    let long = format!(r#"{{"a":"{}"}}"#, "canary ".repeat(10_000));
    let (_bench, records) = one_call(|| policy(Level::Full), &long, &long).await;
    assert!(!format!("{records:?}").contains("canary"));
    let response = &records[1];
    assert_eq!(content(response), [""; 0]);
    let cut = [names::GEN_AI_TOOL_CALL_ARGUMENTS, names::GEN_AI_TOOL_CALL_RESULT];
    assert_eq!(strings(response, names::AUDITRAIL_TRUNCATED), cut);
    let sizes = Value::Array(vec![Value::Int(long.len() as i64); 2]);
    assert_eq!(response.get(names::AUDITRAIL_TRUNCATED_BYTES), Some(&sizes));
    let digests = [names::AUDITRAIL_ARGUMENTS_DIGEST, names::AUDITRAIL_RESULT_DIGEST];
    let digests = digests.map(|name| response.text(name).unwrap().to_owned());
    assert_eq!(strings(response, names::AUDITRAIL_TRUNCATED_DIGESTS), digests);
}

/// A rule on the outcome: only failures have content, and no success has any, on either half.
#[tokio::test]
async fn content_that_depends_on_the_outcome_is_on_no_other_record() {
    let of_failures = || {
        let failures = Rule::named("failures").method("tools/call").outcome("failure").level(Level::Full);
        let others = Rule::named("others").method("*").level(Level::Metadata);
        Policy::builder().rule(failures).rule(others).build().unwrap()
    };
    let (_bench, records) = one_call(of_failures, r#"{"a":"canary"}"#, r#"{"content":[]}"#).await;
    assert_eq!(records.len(), 2);
    assert!(!format!("{records:?}").contains("canary"), "{records:#?}");
    let (_bench, records) = one_call(of_failures, r#"{"a":"fine"}"#, r#"{"isError":true,"content":[]}"#).await;
    let both = [names::GEN_AI_TOOL_CALL_ARGUMENTS, names::GEN_AI_TOOL_CALL_RESULT];
    assert_eq!([content(&records[0]), content(&records[1])], [vec![both[0]], both.to_vec()]);
    assert_eq!(records[0].get(names::AUDITRAIL_RESULT_DIGEST), None, "a request has no result");
}

/// A policy that is loaded later counts for connections that were there before.
#[tokio::test]
async fn a_policy_that_is_loaded_later_has_content_read() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    let mut ask = async |id: u32| {
        let call = r#""method":"tools/call","params":{"name":"t","arguments":{"a":1}}"#;
        wire.client(&format!(r#"{{"jsonrpc":"2.0","id":{id},{call}}}"#)).await;
        wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)).await;
    };
    ask(1).await;
    bench.trail.reload_policy(policy(Level::Arguments)).unwrap();
    ask(2).await;
    bench.trail.reload_policy(policy(Level::Metadata)).unwrap();
    ask(3).await;
    let records = bench.records();
    let found = ["1", "2", "3"].map(|id| content(of_id(&records, id)[1]).len());
    assert_eq!(found, [0, 1, 0]);
}

/// Code and spans cannot put content on a record past the redactor.
#[tokio::test]
async fn nobody_else_sets_content() {
    let bench = Bench::with(|builder| builder.policy(policy(Level::Full)));
    let mut asked = Call::mcp("tools/call").tool("t");
    for name in CONTENT {
        asked = asked.attribute(name, "canary");
    }
    let open = bench.trail.begin(asked).await.unwrap();
    CONTENT.iter().for_each(|name| open.enrich(*name, "canary"));
    open.finish_now(&Outcome::ok());
    assert!(!format!("{:?}", bench.all_records()).contains("canary"));
}

/// Not even a policy that records everything puts content on spans.
#[tokio::test]
async fn spans_have_no_content() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let bench = Bench::with(|builder| builder.policy(policy(Level::Full)));
    let (tracer, spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    let dispatch = tracing::Dispatch::new(subscriber);
    let _default = tracing::dispatcher::set_default(&dispatch);
    let mut wire = Wire::new(&bench.trail);
    let asked = r#""method":"tools/call","params":{"name":"t","arguments":{"a":"canary"}}"#;
    wire.client(&format!(r#"{{"jsonrpc":"2.0","id":1,{asked}}}"#)).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"canary"}]}}"#).await;
    drop(wire);
    assert!(!spans.all().is_empty() && !format!("{:?}", spans.all()).contains("canary"));
}
