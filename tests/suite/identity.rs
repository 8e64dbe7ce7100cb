//! Who acts, on the routes of the library: what records say of it, whatever clients say.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use auditrail::capture::mcp::{McpLayer, PeerAddr};
use auditrail::config::Environment;
use auditrail::identity::{
    Actor, AddressField, EnvironmentIdentity, Extractor, IdentityFields, OsUser, RequestFacts, TrustedHops,
    UnverifiedReason, VerifiedClaims,
};
use auditrail::record::{Record, Value, names};
use auditrail::trail::{Call, Moment, Observer, TrailBuilder};
use axum::body::Body;
use http::{HeaderMap, Request};
use rmcp::model::{CallToolRequestParams, RequestMetaObject};
use tower_layer::Layer as _;
use tower_service::Service as _;
use tracing_subscriber::prelude::*;

use crate::server::{Everything, call, connect};
use crate::support::Bench;
use crate::tapped::{Wire, of_id};

/// Answers with that actor, and counts how often it was asked.
#[derive(Debug, Clone)]
struct Fixed {
    source: &'static str,
    actor: Option<Actor>,
    asked: Arc<AtomicUsize>,
}

impl Fixed {
    fn new(source: &'static str, actor: Option<Actor>) -> Self {
        Self { source, actor, asked: Arc::default() }
    }
}

impl Extractor for Fixed {
    fn source(&self) -> &'static str {
        self.source
    }

    fn extract(&self, _: &RequestFacts<'_>) -> Option<Actor> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.actor.clone()
    }
}

/// Breaks.
#[derive(Debug)]
struct Panics;

impl Extractor for Panics {
    fn source(&self) -> &'static str {
        "broken"
    }

    fn extract(&self, _: &RequestFacts<'_>) -> Option<Actor> {
        std::panic::resume_unwind(Box::new("expected"))
    }
}

fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    record.text(name).unwrap_or_default()
}

/// The actor, its source, and whether it is verified.
fn who(record: &Record) -> (&str, &str, Option<bool>) {
    let verified = match record.get(names::AUDITRAIL_ACTOR_VERIFIED) {
        Some(Value::Bool(verified)) => Some(*verified),
        _ => None,
    };
    (text(record, names::AUDIT_ACTOR_ID), text(record, names::AUDITRAIL_ACTOR_SOURCE), verified)
}

/// Both records of the calls of tools.
fn of_tools(records: &[Record]) -> Vec<&Record> {
    records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME).is_some()).collect()
}

fn ping(id: u32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"a"}}}}"#)
}

/// Sends a body of one or more calls through a tower layer, after `prepare` has had the request.
async fn post(layer: &McpLayer, body: String, prepare: impl FnOnce(&mut Request<Body>)) {
    let router = axum::Router::new().route("/mcp", axum::routing::post(|_: String| async { "" }));
    let mut service = layer.layer(router);
    let request = Request::post("/mcp").header("content-type", "application/json").body(Body::from(body));
    let mut request = request.unwrap();
    prepare(&mut request);
    // The layer has a body of its own, which axum takes as its own.
    let response = service.call(request).await.unwrap();
    drop(axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap());
}

fn peer(address: &str) -> PeerAddr {
    PeerAddr(SocketAddr::new(address.parse().unwrap(), 4711))
}

#[tokio::test]
async fn the_first_extractor_with_an_answer_decides_and_the_rest_is_not_asked() {
    let (none, first) = (Fixed::new("none", None), Fixed::new("first", Some(Actor::verified("ada"))));
    let second = Fixed::new("second", Some(Actor::verified("mallory")));
    let (chain, behind) = ((none.clone(), first.clone(), second.clone()), second.clone());
    let bench = Bench::with(|builder| builder.identify(chain.0).identify(chain.1).identify(chain.2));
    let mut wire = Wire::new(&bench.trail);
    for id in 1..=3 {
        wire.client(&ping(id)).await;
        wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)).await;
    }
    let records = bench.records();
    assert_eq!(records.len(), 6);
    for record in &records {
        assert_eq!(who(record), ("ada", "first", Some(true)), "both halves");
        assert_eq!(text(record, names::AUDITRAIL_OBSERVED_BY), "server");
    }
    let asked = [&none, &first, &behind].map(|extractor| extractor.asked.load(Ordering::SeqCst));
    assert_eq!(asked, [1, 1, 0], "once for the connection");
}

#[tokio::test]
async fn an_http_request_is_looked_at_once_however_many_messages_it_has() {
    let fixed = Fixed::new("test", Some(Actor::verified("ada")));
    let asked = fixed.asked.clone();
    let bench = Bench::with(|builder| builder.identify(fixed));
    let layer = bench.trail.mcp_layer();
    post(&layer, format!("[{},{},{}]", ping(1), ping(2), ping(3)), |_| ()).await;
    let records = bench.records();
    assert_eq!(of_tools(&records).len(), 6);
    assert!(records.iter().all(|record| who(record) == ("ada", "test", Some(true))));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_extractor_that_panics_ends_the_chain_and_harms_nothing() {
    let bench = Bench::with(|builder| {
        builder.identify(Panics).identify(Fixed::new("behind", Some(Actor::verified("mallory"))))
    });
    let mut wire = Wire::new(&bench.trail);
    wire.client(&ping(1)).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    post(&bench.trail.mcp_layer(), ping(2), |_| ()).await;
    let client = connect(&bench.trail, Everything::default()).await;
    call(&client, "ok").await.unwrap();
    let records = bench.records();
    for record in of_tools(&records) {
        assert_eq!(who(record), ("anonymous", "broken", Some(false)));
        assert_eq!(text(record, names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), "extractor_failed");
    }
    assert_eq!(of_tools(&records).len(), 6, "three routes");
    assert!(bench.said().iter().any(|said| said.contains("the actor extractor panicked (broken)")));
}

#[tokio::test]
async fn what_middleware_has_verified_comes_first_and_names_the_middleware() {
    let bench = Bench::with(|builder| builder.identify(Fixed::new("other", Some(Actor::asserted("mallory")))));
    let claims = VerifiedClaims::of("oidc-layer", Actor::verified("ada").with_roles(["ops"]));
    post(&bench.trail.mcp_layer(), ping(1), |request| drop(request.extensions_mut().insert(claims))).await;
    let records = bench.records();
    for record in of_tools(&records) {
        assert_eq!(who(record), ("ada", "oidc-layer", Some(true)));
        assert_eq!(record.get(names::USER_ROLES), Some(&Value::strings(["ops"])));
    }
    assert_eq!(of_tools(&records).len(), 2);
}

/// The layer is outside of authentication, to see what that refuses; its clone is inside, to see whom it has let in.
#[tokio::test]
async fn a_layer_inside_of_authentication_tells_the_outer_one_who_it_is() {
    let bench = Bench::with(|builder| builder);
    let layer = bench.trail.mcp_layer();
    let authenticate = async |mut request: Request<Body>, next: axum::middleware::Next| {
        request.extensions_mut().insert(VerifiedClaims::of("inner", Actor::verified("ada")));
        next.run(request).await
    };
    let router = axum::Router::new()
        .route("/mcp", axum::routing::post(|_: String| async { "" }))
        .layer(layer.clone())
        .layer(axum::middleware::from_fn(authenticate))
        .layer(layer);
    let request = Request::post("/mcp").header("content-type", "application/json").body(Body::from(ping(1))).unwrap();
    let response = { router }.call(request).await.unwrap();
    drop(axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap());
    let records = bench.records();
    assert_eq!(records.len(), 2, "one pair");
    assert!(records.iter().all(|record| who(record) == ("ada", "inner", Some(true))), "{records:#?}");
}

fn behind_hops(builder: TrailBuilder) -> TrailBuilder {
    let mut fields = IdentityFields::new("x-user".parse().unwrap());
    fields.authenticated = true;
    let networks = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    builder.trusted_hops(TrustedHops { networks, address: AddressField::XForwardedFor }).identify(fields)
}

#[tokio::test]
async fn only_configured_hops_say_who_the_client_is_and_where() {
    let ada = [("x-user", "ada"), ("x-forwarded-for", "6.6.6.6, 198.51.100.7")];
    let twice = [("x-user", "mallory"), ("x-user", "ada")];
    for (from, headers, expected, reason, address) in [
        (Some("10.1.2.3"), &ada[..], ("ada", "headers", Some(true)), "", "198.51.100.7"),
        (Some("::ffff:10.1.2.3"), &ada, ("ada", "headers", Some(true)), "", "198.51.100.7"),
        (Some("2001:db8::1"), &ada, ("ada", "headers", Some(true)), "", "198.51.100.7"),
        (Some("192.0.2.1"), &ada, ("anonymous", "", None), "", "192.0.2.1"),
        (Some("::ffff:192.0.2.1"), &ada, ("anonymous", "", None), "", "192.0.2.1"),
        (None, &ada, ("anonymous", "", None), "", ""),
        (Some("10.1.2.3"), &twice, ("anonymous", "headers", Some(false)), "several", "10.1.2.3"),
        (Some("10.1.2.3"), &[("x-user", " ")], ("anonymous", "", None), "", "10.1.2.3"),
    ] {
        let bench = Bench::with(behind_hops);
        post(&bench.trail.mcp_layer(), ping(1), |request| {
            from.map(|from| request.extensions_mut().insert(peer(from)));
            for (name, value) in headers {
                request.headers_mut().append(*name, value.parse().unwrap());
            }
        })
        .await;
        let records = bench.records();
        assert_eq!(records.len(), 2);
        for record in &records {
            assert_eq!(who(record), expected, "{from:?}");
            assert_eq!(text(record, names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), reason, "{from:?}");
            assert_eq!(text(record, names::CLIENT_ADDRESS), address, "{from:?}");
        }
    }
}

/// Without hops, which is the default, no header says anything.
#[tokio::test]
async fn without_hops_no_header_says_anything() {
    let bench = Bench::with(|builder| builder.identify(IdentityFields::new("x-user".parse().unwrap())));
    post(&bench.trail.mcp_layer(), ping(1), |request| {
        request.extensions_mut().insert(peer("10.1.2.3"));
        request.headers_mut().append("x-user", "ada".parse().unwrap());
        request.headers_mut().append("x-forwarded-for", "6.6.6.6".parse().unwrap());
    })
    .await;
    let records = bench.records();
    assert_eq!(who(&records[0]), ("anonymous", "", None));
    assert_eq!(text(&records[0], names::CLIENT_ADDRESS), "10.1.2.3");
}

#[tokio::test]
async fn over_stdio_the_environment_or_the_user_of_the_process_acts() {
    let environment = Environment::from_iter([("AUDITRAIL_TEST_USER", "ada@example.org")]);
    let read = || EnvironmentIdentity::read(&environment, "AUDITRAIL_TEST_USER").unwrap().unwrap();
    let bench =
        Bench::with(|builder| builder.identify(read().with_name(Some("Ada".into()))).identify(OsUser::of_process()));
    let mut wire = Wire::new(&bench.trail);
    wire.client(&ping(1)).await;
    let client = connect(&bench.trail, Everything::default()).await;
    call(&client, "ok").await.unwrap();
    post(&bench.trail.mcp_layer(), ping(2), |_| ()).await;
    let records = bench.records();
    for record in of_tools(&records).into_iter().filter(|record| record.text(names::JSONRPC_REQUEST_ID) != Some("2")) {
        assert_eq!(who(record), ("ada@example.org", "environment", Some(false)));
        assert_eq!(text(record, names::USER_NAME), "Ada");
    }
    assert_eq!(EnvironmentIdentity::read(&environment, "NOBODY").unwrap(), None);

    let bench = Bench::with(|builder| builder.identify(OsUser::of_process()));
    let mut wire = Wire::new(&bench.trail);
    wire.client(&ping(1)).await;
    post(&bench.trail.mcp_layer(), ping(2), |_| ()).await;
    let records = bench.records();
    // What the shell says, which shares no code with it.
    let said = |option| {
        let output = std::process::Command::new("id").arg(option).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let local = of_id(&records, "1")[0];
    assert_eq!(who(local), (said("-un").as_str(), "os_user", Some(false)));
    assert_eq!(
        (text(local, names::USER_ID), text(local, names::AUDITRAIL_ACTOR_AUTH_TYPE)),
        (said("-u").as_str(), "os")
    );
    assert!(
        of_id(&records, "2").iter().all(|record| who(record) == ("anonymous", "", None)),
        "over HTTP it says nothing"
    );
}

#[tokio::test]
async fn what_the_client_claims_is_never_who_it_is() {
    let meta =
        r#""_meta":{"userId":"mallory","agent_id":"bot-7","tenantId":"blue","purpose":"billing","reason":"ticket 4"}"#;
    let line = ping(1).replace("\"name\":\"a\"", &format!("\"name\":\"a\",{meta}"));
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&line).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    post(&bench.trail.mcp_layer(), line, |_| ()).await;
    let client = connect(&bench.trail, Everything::default()).await;
    let mut params = CallToolRequestParams::new("ok");
    let mut meta = RequestMetaObject::default();
    for (key, value) in [
        ("userId", "mallory"),
        ("agent_id", "bot-7"),
        ("tenantId", "blue"),
        ("purpose", "billing"),
        ("reason", "ticket 4"),
    ] {
        meta.insert(key.into(), value.into());
    }
    params.meta = Some(meta);
    client.call_tool(params).await.unwrap();
    let records = bench.records();
    let calls = of_tools(&records);
    assert_eq!(calls.len(), 6, "tap, layer and wrapper");
    for record in calls {
        assert_eq!(who(record), ("anonymous", "", None));
        let claimed = [
            names::AUDITRAIL_CLAIMED_ACTOR_ID,
            names::AUDITRAIL_CLAIMED_AGENT_ID,
            names::AUDITRAIL_CLAIMED_TENANT_ID,
            names::AUDITRAIL_CLAIMED_PURPOSE,
            names::AUDITRAIL_CLAIMED_REASON,
        ];
        assert_eq!(claimed.map(|name| text(record, name)), ["mallory", "bot-7", "blue", "billing", "ticket 4"]);
        assert_eq!(record.get(names::AUDITRAIL_TENANT_ID), None);
        assert_eq!(record.get(names::GEN_AI_AGENT_ID), None);
    }
}

/// An agent acts for a person: the person is answerable, on both records.
#[tokio::test]
async fn the_person_is_answerable_and_the_agent_stands_beside() {
    let mut actor = Actor::verified("ada");
    (actor.agent.id, actor.agent.name) = (Some("agent-7".into()), Some("Planner".into()));
    actor.delegation = vec!["agent-7".into(), "gateway".into()];
    let bench = Bench::with(|builder| builder.identify(Fixed::new("test", Some(actor))));
    let mut wire = Wire::new(&bench.trail);
    wire.client(&ping(1)).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    let records = bench.records();
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!(who(record), ("ada", "test", Some(true)));
        assert_eq!(
            (text(record, names::GEN_AI_AGENT_ID), text(record, names::GEN_AI_AGENT_NAME)),
            ("agent-7", "Planner")
        );
        assert_eq!(record.get(names::AUDITRAIL_ACTOR_DELEGATION), Some(&Value::strings(["agent-7", "gateway"])));
    }
}

#[tokio::test]
async fn what_the_server_asks_its_client_is_the_servers() {
    let bench = Bench::with(|builder| builder.identify(Fixed::new("test", Some(Actor::verified("ada")))));
    let mut wire = Wire::new(&bench.trail);
    wire.server(r#"{"jsonrpc":"2.0","id":9,"method":"roots/list"}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}"#).await;
    let records = bench.records();
    let pair = of_id(&records, "9");
    assert_eq!(pair.len(), 2);
    for record in pair {
        assert_eq!(who(record), ("bench", "service", Some(false)));
        assert_eq!(text(record, names::AUDIT_ACTOR_TYPE), "service");
    }
}

/// A field of a span names the actor, and can never say that it is verified.
#[test]
fn an_actor_that_a_span_names_says_so() {
    #[tracing::instrument(fields(mcp.method.name = "tools/call", gen_ai.tool.name = "a", audit.actor.id = "ada", auditrail.actor.verified = true, auditrail.actor.source = "jwt"))]
    fn named() {}
    #[tracing::instrument(fields(mcp.method.name = "tools/call", gen_ai.tool.name = "b"))]
    fn nameless() {}

    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        named();
        nameless();
    });
    let records = bench.records();
    assert_eq!(
        records.iter().map(who).collect::<Vec<_>>(),
        [("ada", "span", Some(false)), ("ada", "span", Some(false)), ("anonymous", "", None), ("anonymous", "", None)]
    );
    assert!(records.iter().all(|record| text(record, names::AUDITRAIL_OBSERVED_BY) == "server"));

    let bench = Bench::with(|builder| builder.identify(OsUser::of_process()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        named();
        nameless();
    });
    let sources: Vec<_> = bench.records().iter().map(|record| who(record).1.to_owned()).collect();
    assert_eq!(sources, ["span", "span", "os_user", "os_user"], "the span's own word counts more");
}

#[tokio::test]
async fn a_call_of_code_of_ones_own_says_so() {
    let bench = Bench::with(behind_hops);
    let call = Call::mcp("tools/call").tool("a").actor(Actor::verified("ada")).observed_by(Observer::Client);
    bench.trail.begin(call).await.unwrap().finish_now(&auditrail::record::Outcome::of(auditrail::record::Detail::Ok));
    let call = Call::mcp("tools/call").tool("b").attribute(names::AUDIT_ACTOR_ID, "bob");
    drop(bench.trail.begin(call.attribute(names::AUDITRAIL_ACTOR_VERIFIED, true)).await.unwrap());
    let mut headers = HeaderMap::new();
    headers.insert("x-user", "eve".parse().unwrap());
    let mut extensions = http::Extensions::new();
    extensions.insert(peer("10.9.9.9"));
    drop(bench.trail.begin(Call::mcp("tools/call").tool("c").http_request(&headers, &extensions)).await.unwrap());
    bench.trail.record(Moment::new(auditrail::record::EventName::Context).actor(Actor::asserted("kim")));
    let records = bench.records();
    let seen: Vec<_> = records.iter().map(|record| (who(record), text(record, names::AUDITRAIL_OBSERVED_BY))).collect();
    assert_eq!(
        seen,
        [
            (("ada", "code", Some(true)), "client"),
            (("ada", "code", Some(true)), "client"),
            (("bob", "code", Some(false)), "server"),
            (("bob", "code", Some(false)), "server"),
            (("eve", "headers", Some(true)), "server"),
            (("eve", "headers", Some(true)), "server"),
            (("kim", "code", Some(false)), ""),
        ]
    );
}

#[tokio::test]
async fn too_many_unverified_actors_are_an_alarm_once_and_its_end_is_told() {
    let actor = Arc::new(Mutex::new(Some(Actor::unknown(UnverifiedReason::Expired))));
    let current = actor.clone();
    let bench = Bench::with(|builder| {
        let alarm = auditrail::identity::UnverifiedAlarm::new(0.5, 4);
        builder.actor(move |_| current.lock().unwrap().clone()).unverified_alarm(alarm)
    });
    let mut wire = Wire::new(&bench.trail);
    let mut play = async |actors: [Option<Actor>; 4], from: u32| {
        for (id, now) in (from..).zip(actors) {
            *actor.lock().unwrap() = now;
            wire.client(&ping(id)).await;
            wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)).await;
        }
    };
    let (good, bad) = (|| Some(Actor::verified("ada")), || Some(Actor::unknown(UnverifiedReason::Expired)));
    play([good(), bad(), good(), None], 0).await;
    assert_eq!(states(&bench), [] as [(String, String); 0], "half is not more than half");
    play([bad(), bad(), None, good()], 4).await;
    play([bad(), bad(), bad(), None], 8).await;
    let alarm = ("degraded".to_owned(), "actors_unverified".to_owned());
    assert_eq!(states(&bench), [alarm.clone()], "once");
    play([good(), good(), bad(), good()], 12).await;
    assert_eq!(states(&bench), [alarm, ("recovered".to_owned(), String::new())]);
    assert_eq!(bench.said().iter().filter(|said| said.contains("more than 50 % of the last 4 calls")).count(), 1);
}

/// What the trail has told of itself since it started.
fn states(bench: &Bench) -> Vec<(String, String)> {
    let all = bench.all_records();
    let told = all.iter().filter(|record| record.event_name == "auditrail.lifecycle");
    let states = told.map(|record| (text(record, names::AUDITRAIL_LIFECYCLE_STATE), text(record, names::ERROR_TYPE)));
    let of_alarms = states.filter(|(state, _)| matches!(*state, "degraded" | "recovered"));
    of_alarms.map(|(state, error)| (state.to_owned(), error.to_owned())).collect()
}
