//! Classes that require a verified actor: who waits, who refuses, and what the records say.

use std::sync::atomic::Ordering;
use std::time::Duration;

use auditrail::policy::Decision;
use auditrail::record::{Detail, Outcome, Record, Value, names};
use auditrail::trail::{Actor, Call, Class, OpenCall, RefusalKind, Refused, TrailBuilder};
use http::{Extensions, HeaderMap};

use crate::late_keys::LateKeys;
use crate::server::{Everything, call, connect};
use crate::support::{Bench, ending};
use crate::tapped::{Wire, of_id};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(20);

/// The tool `pay` is for verified actors.
fn guarded(builder: TrailBuilder, deadline: Duration) -> TrailBuilder {
    builder.classify(move |call| match call.name() {
        Some("pay") => Class { deadline, ..Class::default() }.requires_verified_actor(),
        _ => Class::default(),
    })
}

fn bench(keys: &LateKeys, deadline: Duration) -> Bench {
    Bench::with(|builder| guarded(builder, deadline).identify(keys.clone()))
}

fn pay(user: &str) -> Call {
    let mut headers = HeaderMap::new();
    headers.insert("x-user", user.parse().unwrap());
    Call::mcp("tools/call").tool("pay").http_request(&headers, &Extensions::new())
}

fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    record.text(name).unwrap_or_default()
}

fn who(record: &Record) -> (&str, bool, &str) {
    let verified = record.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&Value::Bool(true));
    (text(record, names::AUDIT_ACTOR_ID), verified, text(record, names::AUDITRAIL_ACTOR_UNVERIFIED_REASON))
}

fn decision(record: &Record) -> [&str; 3] {
    [names::AUDITRAIL_DECISION, names::AUDITRAIL_DECISION_REASON, names::SECURITY_RULE_NAME]
        .map(|name| text(record, name))
}

/// Begins a call on another task.
fn beginning(bench: &Bench, call: Call) -> tokio::task::JoinHandle<Result<OpenCall, Refused>> {
    let trail = bench.trail.clone();
    tokio::spawn(async move { trail.begin(call).await })
}

#[tokio::test]
async fn a_call_waits_for_the_keys_and_both_records_name_the_actor() {
    let keys = LateKeys::new();
    let bench = bench(&keys, LONG);
    let begun = beginning(&bench, pay("ada"));
    keys.wanted().await;
    // A change that is none for it.
    keys.stir();
    keys.wanted().await;
    assert_eq!(bench.records().len(), 0, "nothing is said before it is known who acts");
    keys.arrive();
    begun.await.unwrap().unwrap().finish(Outcome::of(Detail::Ok)).await;
    let records = bench.records();
    assert_eq!(
        records.iter().map(ending).collect::<Vec<_>>(),
        [("request", "unknown", ""), ("response", "success", "ok")]
    );
    for record in &records {
        assert_eq!(who(record), ("ada", true, ""));
        assert_eq!(decision(record), ["", "", ""]);
        assert_eq!(record.get(names::AUDITRAIL_CLAIMED_ACTOR_ID), None);
    }
}

#[tokio::test]
async fn a_call_whose_actor_stays_unknown_is_refused_at_its_deadline() {
    let keys = LateKeys::new();
    let bench = bench(&keys, SHORT);
    let refused = bench.trail.begin(pay("ada")).await.unwrap_err();
    assert_eq!((refused.kind, refused.code()), (RefusalKind::Unverified, -32046));
    let records = bench.records();
    assert_eq!(
        records.iter().map(ending).collect::<Vec<_>>(),
        [("request", "unknown", ""), ("response", "failure", "denied")]
    );
    for record in &records {
        assert_eq!(who(record), ("anonymous", false, "key_unavailable"));
        assert_eq!(decision(record), ["deny", "key_unavailable", "requires_verified_actor"]);
        assert_eq!(text(record, names::AUDITRAIL_CLAIMED_ACTOR_ID), "ada");
    }
}

/// More time would not help.
#[tokio::test]
async fn nobody_waits_for_a_credential_that_is_wrong_or_missing() {
    let keys = LateKeys::new();
    let bench = bench(&keys, LONG);
    let refused = bench.trail.begin(pay("mallory")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Unverified);
    let nobody = Call::mcp("tools/call").tool("pay");
    assert_eq!(bench.trail.begin(nobody.clone()).await.unwrap_err().kind, RefusalKind::Unverified);
    let asserted = nobody.clone().actor(Actor::asserted("ada"));
    assert_eq!(bench.trail.begin(asserted).await.unwrap_err().kind, RefusalKind::Unverified);
    bench.trail.begin(nobody.actor(Actor::verified("ada"))).await.unwrap().finish_now(&Outcome::of(Detail::Ok));
    // Of another class.
    bench.trail.begin(Call::mcp("tools/call").tool("look")).await.unwrap().finish_now(&Outcome::of(Detail::Ok));
    let records = bench.records();
    let reasons: Vec<_> = records.iter().map(|record| decision(record)[1]).collect();
    assert_eq!(reasons, ["expired", "expired", "anonymous", "anonymous", "asserted", "asserted", "", "", "", ""]);
}

/// It is asked once, about the actor that the records name.
#[tokio::test]
async fn authorization_sees_the_actor_that_was_waited_for() {
    let keys = LateKeys::new();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = asked.clone();
    let bench = Bench::with(|builder| {
        guarded(builder, LONG).identify(keys.clone()).authorize(move |call| {
            told.lock().unwrap().push(call.text(names::AUDIT_ACTOR_ID).map(str::to_owned));
            Decision::deny("not ada")
        })
    });
    let begun = beginning(&bench, pay("ada"));
    keys.wanted().await;
    keys.arrive();
    assert_eq!(begun.await.unwrap().unwrap_err().kind, RefusalKind::Denied);
    assert_eq!(*asked.lock().unwrap(), [Some("ada".to_owned())]);
    let records = bench.records();
    assert!(records.iter().all(|record| who(record) == ("ada", true, "") && decision(record)[1] == "not ada"));
    assert_eq!(records.len(), 2);
}

/// The caller has gone: its call ends as one that nobody answered, with its actor as far as it is known.
#[tokio::test]
async fn a_call_that_is_given_up_while_it_waits_leaves_a_pair() {
    let keys = LateKeys::new();
    let bench = bench(&keys, LONG);
    let begun = beginning(&bench, pay("ada"));
    keys.wanted().await;
    begun.abort();
    assert!(begun.await.unwrap_err().is_cancelled());
    let records = bench.records();
    assert_eq!(
        records.iter().map(ending).collect::<Vec<_>>(),
        [("request", "unknown", ""), ("response", "unknown", "no_response")]
    );
    assert!(records.iter().all(|record| who(record) == ("anonymous", false, "key_unavailable")));
}

/// It cannot refuse, so it does not wait: the call is recorded as it is.
#[tokio::test]
async fn a_tap_never_waits() {
    let keys = LateKeys::new();
    let bench = bench(&keys, LONG);
    let mut wire = Wire::new(&bench.trail);
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    let records = bench.records();
    let pair = of_id(&records, "1");
    assert_eq!(pair.iter().map(|record| ending(record).2).collect::<Vec<_>>(), ["", "ok"]);
    assert!(pair.iter().all(|record| who(record) == ("anonymous", false, "")));
    assert!(keys.asked.load(Ordering::SeqCst) > 0);
}

/// The class is for what clients ask.
#[tokio::test]
async fn what_the_server_asks_its_client_needs_no_verified_actor() {
    let keys = LateKeys::new();
    let bench = Bench::with(|builder| builder.identify(keys.clone()).class(Class::default().requires_verified_actor()));
    let mut wire = Wire::new(&bench.trail);
    wire.server(r#"{"jsonrpc":"2.0","id":9,"method":"roots/list"}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}"#).await;
    let records = bench.records();
    assert_eq!(of_id(&records, "9").iter().map(|record| decision(record)).collect::<Vec<_>>(), [["", "", ""]; 2]);
}

#[tokio::test]
async fn the_wrapper_refuses_with_a_code_of_its_own() {
    let bench = Bench::with(|builder| {
        builder.class(Class::default()).classify(|call| match call.name() {
            Some("ok") => Class::default().requires_verified_actor(),
            _ => Class::default(),
        })
    });
    let client = connect(&bench.trail, Everything::default()).await;
    let refused = call(&client, "ok").await.unwrap_err();
    assert!(format!("{refused:?}").contains("-32046"), "{refused:?}");
    let records = bench.records();
    let of_tool: Vec<_> = records.iter().filter(|record| text(record, names::GEN_AI_TOOL_NAME) == "ok").collect();
    assert_eq!(of_tool.iter().map(|record| ending(record).2).collect::<Vec<_>>(), ["", "denied"]);
    assert!(of_tool.iter().all(|record| decision(record) == ["deny", "anonymous", "requires_verified_actor"]));
}
