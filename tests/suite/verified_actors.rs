//! Classes that require a verified actor: who waits, who refuses, and what the records say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auditrail::identity::{Changed, Extractor, RequestFacts};
use auditrail::policy::Decision;
use auditrail::record::{Detail, Outcome, Record, Value, names};
use auditrail::trail::{Actor, Call, Class, OpenCall, RefusalKind, Refused, TrailBuilder, WhenFull};
use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use axum::routing::post;
use http::{Extensions, HeaderMap};
use tokio::sync::Notify;

use crate::decisions_http::{ask, serve};
use crate::late_keys::LateKeys;
use crate::server::{Everything, View, call, connect, connect_as};
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

/// What the records of a call are, in their order, and how each ends.
fn story(records: &[Record]) -> Vec<(&str, &str)> {
    let is_authz = |record: &Record| record.event_name == "auditrail.authz";
    records.iter().map(|record| (if is_authz(record) { "authz" } else { ending(record).0 }, ending(record).2)).collect()
}

/// Who decided, what, why, and by which rule.
fn by_class(record: &Record) -> [&str; 4] {
    let [decision, reason, rule] = decision(record);
    [text(record, names::AUDITRAIL_DECISION_SOURCE), decision, reason, rule]
}

/// A call that is refused for want of a verified actor.
const REFUSED: [(&str, &str); 3] = [("request", ""), ("authz", "denied"), ("response", "denied")];

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
    assert_eq!(story(&records), REFUSED);
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
    let refused = ["expired", "anonymous", "asserted"].map(|reason| [reason; 3]).concat();
    assert_eq!(reasons, [&refused[..], &[""; 4]].concat());
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
    assert_eq!(story(&records), REFUSED);
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
    assert_eq!(story(&records), [("request", ""), ("authz", "denied"), ("response", "no_response")]);
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
    assert_eq!(pair.iter().map(|record| ending(record).2).collect::<Vec<_>>(), ["", "denied", "ok"]);
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
    assert_eq!(of_tool.iter().map(|record| ending(record).2).collect::<Vec<_>>(), ["", "denied", "denied"]);
    assert!(of_tool.iter().all(|record| decision(record) == ["deny", "anonymous", "requires_verified_actor"]));
}

/// By whoever begins a call and by the wrapper it is refused, so the decision stands between request and response.
#[tokio::test]
async fn a_refusal_by_the_class_has_one_record_between_those_of_the_call() {
    let bench = Bench::with(|builder| guarded(builder, LONG));
    let nobody = Call::mcp("tools/call").tool("pay");
    assert_eq!(bench.trail.begin(nobody).await.unwrap_err().kind, RefusalKind::Unverified);
    is_refused_by_class(&bench.records());
    for view in [View::Wrapper, View::Both] {
        let bench = Bench::with(|builder| {
            builder.classify(|call| match call.name() {
                Some("ok") => Class::default().requires_verified_actor(),
                _ => Class::default(),
            })
        });
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        call(&client, "ok").await.unwrap_err();
        drop(client);
        let records = bench.records();
        let of_tool = records.into_iter().filter(|record| text(record, names::GEN_AI_TOOL_NAME) == "ok");
        is_refused_by_class(&of_tool.collect::<Vec<_>>());
    }
}

fn is_refused_by_class(records: &[Record]) {
    assert_eq!(story(records), REFUSED);
    for record in records {
        assert_eq!(by_class(record), ["class", "deny", "anonymous", "requires_verified_actor"]);
        assert_eq!(who(record), ("anonymous", false, ""));
        assert_eq!(text(record, names::AUDITRAIL_CALL_ID), text(&records[0], names::AUDITRAIL_CALL_ID));
        assert_eq!(text(record, names::AUDIT_TARGET_TYPE), "tool");
    }
    assert_eq!(text(&records[1], names::AUDIT_ACTION), "AUTHORIZE");
}

/// Whoever is named by an attribute is asserted by the code that names them, and replaces the actor that the code had before.
#[tokio::test]
async fn an_actor_that_an_attribute_names_is_asserted() {
    for actor in [None, Some(Actor::verified("ada"))] {
        let bench = Bench::with(|builder| guarded(builder, LONG));
        let named = actor.into_iter().fold(Call::mcp("tools/call").tool("pay"), Call::actor);
        let refused = bench.trail.begin(named.attribute(names::AUDIT_ACTOR_ID, "eve")).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Unverified);
        let records = bench.records();
        assert_eq!(story(&records), REFUSED);
        for record in &records {
            assert_eq!(by_class(record), ["class", "deny", "asserted", "requires_verified_actor"]);
            assert_eq!(who(record), ("eve", false, ""));
            assert_eq!(text(record, names::AUDITRAIL_ACTOR_SOURCE), "code");
        }
    }
}

/// Nobody is refused by a tap, so the call runs, and all of its records say that it should not have.
#[tokio::test]
async fn a_tap_records_the_denial_that_it_cannot_enforce() {
    let bench = Bench::with(|builder| guarded(builder, LONG));
    let mut wire = Wire::new(&bench.trail);
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    let records = bench.records();
    assert_eq!(story(&records), [("request", ""), ("authz", "denied"), ("response", "ok")]);
    for record in &records {
        assert_eq!(by_class(record), ["class", "deny", "anonymous", "requires_verified_actor"]);
    }
}

/// A layer in front of a server that nobody wraps: it answers everything, or refuses everything before it has read the body.
async fn layered(bench: &Bench, refuses: bool) -> SocketAddr {
    let run = async |body: Bytes| {
        assert!(!body.is_empty());
        ([("content-type", "application/json")], r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)
    };
    let refuse = move |request: Request, next: Next| async move {
        if refuses { StatusCode::UNAUTHORIZED.into_response() } else { next.run(request).await }
    };
    let router = Router::new().route("/mcp", post(run)).layer(from_fn(refuse));
    serve(router.layer(bench.trail.mcp_layer())).await
}

const PAY: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay"}}"#;

/// It does not wait for the keys: without them, the actor is not verified, as one without any credential is not.
#[tokio::test]
async fn a_tap_records_the_denial_of_an_actor_whose_keys_never_came() {
    let bench = bench(&LateKeys::new(), LONG);
    let address = layered(&bench, false).await;
    assert!(ask(address, &["x-user: ada"], PAY).await.starts_with("HTTP/1.1 200"));
    let records = bench.records();
    assert_eq!(story(&records), [("request", ""), ("authz", "denied"), ("response", "ok")]);
    assert!(records.iter().all(|record| who(record) == ("anonymous", false, "key_unavailable")));
    for record in &records[1..] {
        assert_eq!(by_class(record), ["class", "deny", "key_unavailable", "requires_verified_actor"]);
    }
}

/// The class is for calls: of a request whose body nobody has read, only the server that refused it has decided.
#[tokio::test]
async fn an_http_request_without_a_call_is_not_denied_by_a_class() {
    let bench = Bench::with(|builder| builder.class(Class::default().requires_verified_actor()));
    let address = layered(&bench, true).await;
    assert!(ask(address, &[], PAY).await.starts_with("HTTP/1.1 401"));
    let records = bench.records();
    let events: Vec<_> = records.iter().map(|record| &*record.event_name).collect();
    assert_eq!(events, ["auditrail.http.request", "auditrail.authn", "auditrail.http.request"]);
    assert_eq!(decision(&records[0]), ["", "", ""]);
    assert_eq!(text(&records[1], names::AUDITRAIL_DECISION_SOURCE), "http_status");
}

/// Verifies whoever writes to the process, once it has its keys.
#[derive(Debug)]
struct OfProcess(LateKeys);

impl Extractor for OfProcess {
    fn source(&self) -> &'static str {
        "of_process"
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        assert!(request.headers.is_none());
        let mut headers = HeaderMap::new();
        headers.insert("x-user", "ada".parse().unwrap());
        let mut with_token = *request;
        with_token.headers = Some(&headers);
        self.0.extract(&with_token)
    }

    fn changed(&self) -> Option<Changed> {
        self.0.changed()
    }

    fn asks_each_message(&self) -> bool {
        true
    }
}

/// As over HTTP: the token that a process was given can be verified once the keys are there.
#[tokio::test]
async fn a_call_over_stdio_waits_for_the_keys() {
    for view in [View::Wrapper, View::Both] {
        let keys = LateKeys::new();
        let bench = Bench::with(|builder| {
            builder.identify(OfProcess(keys.clone())).classify(|call| match call.name() {
                Some("ok") => Class { deadline: LONG, ..Class::default() }.requires_verified_actor(),
                _ => Class::default(),
            })
        });
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        let called = tokio::spawn(async move { call(&client, "ok").await.map(|_| client) });
        while !called.is_finished() && keys.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        keys.arrive();
        drop(called.await.unwrap().expect("it waits"));
        let records = bench.records();
        let of_tool: Vec<_> =
            records.into_iter().filter(|record| text(record, names::GEN_AI_TOOL_NAME) == "ok").collect();
        assert_eq!(story(&of_tool), [("request", ""), ("response", "ok")], "{view:?}");
        let last = of_tool.last().unwrap();
        assert_eq!((who(last), last.get(names::AUDITRAIL_CLAIMED_ACTOR_ID)), (("ada", true, ""), None), "{view:?}");
    }
}

/// The request record waits for room, and the decision with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_waits_for_the_request_record_of_its_call() {
    let told = Arc::new(Notify::new());
    let tell = told.clone();
    let bench = Bench::with(|builder| {
        let builder = builder.journal_max_bytes(256 * 1024).flush_timeout(SHORT).classify(|call| match call.name() {
            Some("pay") => Class { when_full: WhenFull::Wait, deadline: LONG, ..Class::default() },
            _ => Class { when_full: WhenFull::Refuse, ..Class::default() },
        });
        builder.authorize(move |call| match call.name() {
            Some("pay") => {
                tell.notify_one();
                Decision::deny("no")
            }
            _ => Decision::Allow,
        })
    });
    bench.sunk.away.store(true, Ordering::SeqCst);
    // Until nothing is left that the call could have: first with much at once, then with less than it needs. A segment may be
    // made meanwhile, so that is tried until the trail says that there can be no other.
    let is_full = || bench.said().iter().any(|notice| notice.contains("no room for another segment"));
    let filling = |length| Call::mcp("tools/call").tool("f").attribute("app.note", "n".repeat(length));
    for length in [3000, 0] {
        loop {
            match bench.trail.begin(filling(length)).await {
                Ok(call) => call.finish_now(&Outcome::of(Detail::Ok)),
                Err(_) if is_full() => break,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }
    let mut begun = beginning(&bench, Call::mcp("tools/call").tool("pay"));
    told.notified().await;
    assert!(tokio::time::timeout(SHORT, &mut begun).await.is_err(), "there is no room");
    bench.sunk.away.store(false, Ordering::SeqCst);
    assert_eq!(begun.await.unwrap().unwrap_err().kind, RefusalKind::Denied);
    let records = bench.records();
    let of_tool = records.into_iter().filter(|record| text(record, names::GEN_AI_TOOL_NAME) == "pay");
    assert_eq!(story(&of_tool.collect::<Vec<_>>()), REFUSED);
}
