//! An event that is recorded inside a call has the ids of the current span, and the id, the actor and the tenant of the call: on every
//! route, with and without the layer, in tasks and on threads.

use std::sync::Arc;

use auditrail::capture::direct::{ContextChange, ResourceAccess, TokenUse};
use auditrail::record::{Record, names};
use auditrail::trail::{Call, OpenCall};
use auditrail::{Actor, Moment, Outcome, Trail};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, Spans, ids, record_ids, tracer};

/// Which layers a subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layers {
    Both,
    /// In the order that the documentation does not advise.
    OtelFirst,
    /// Nobody hears of the subscriber by way of an `Option`.
    InOption,
    /// The audit layer is hidden from who asks the subscriber for it.
    InReload,
    /// The audit layer does not see the span in which the event is recorded.
    Filtered,
    AuditAlone,
    OtelAlone,
    Neither,
}

const ALL: [Layers; 8] = [
    Layers::Both,
    Layers::OtelFirst,
    Layers::InOption,
    Layers::InReload,
    Layers::Filtered,
    Layers::AuditAlone,
    Layers::OtelAlone,
    Layers::Neither,
];

impl Layers {
    fn has_audit(self) -> bool {
        !matches!(self, Self::OtelAlone | Self::Neither)
    }

    fn has_otel(self) -> bool {
        !matches!(self, Self::AuditAlone | Self::Neither)
    }

    fn subscriber(self, trail: &Trail) -> (tracing::Dispatch, Spans) {
        let (tracer, spans) = tracer();
        let registry = tracing_subscriber::registry();
        let dispatch = match self {
            Self::Both => registry.with(trail.layer()).with(tracing_opentelemetry::layer().with_tracer(tracer)).into(),
            Self::OtelFirst => {
                registry.with(tracing_opentelemetry::layer().with_tracer(tracer)).with(trail.layer()).into()
            }
            Self::InOption => {
                registry.with(Some(trail.layer())).with(tracing_opentelemetry::layer().with_tracer(tracer)).into()
            }
            Self::InReload => {
                let (layer, _handle) = tracing_subscriber::reload::Layer::new(trail.layer());
                registry.with(layer).with(tracing_opentelemetry::layer().with_tracer(tracer)).into()
            }
            Self::Filtered => {
                let layer = trail.layer().with_filter(filter_fn(|metadata| metadata.name() != "inner"));
                registry.with(layer).with(tracing_opentelemetry::layer().with_tracer(tracer)).into()
            }
            Self::AuditAlone => registry.with(trail.layer()).into(),
            Self::OtelAlone => registry.with(tracing_opentelemetry::layer().with_tracer(tracer)).into(),
            Self::Neither => registry.into(),
        };
        (dispatch, spans)
    }
}

fn alice() -> Actor {
    let mut alice = Actor::verified("alice").with_roles(["clerk"]);
    alice.tenant = Some("acme".to_owned());
    alice
}

async fn begun(trail: &Trail) -> OpenCall {
    trail.begin(Call::mcp("tools/call").tool("close_ticket").actor(alice())).await.unwrap()
}

/// The one event of a bench, and the id of its one call.
fn found(bench: &Bench) -> (Record, String) {
    let records = bench.records();
    let is_event = |record: &&Record| record.text(names::AUDITRAIL_PHASE).is_none();
    let events: Vec<_> = records.iter().filter(is_event).collect();
    assert_eq!(events.len(), 1, "{records:#?}");
    let half = records.iter().find(|record| record.text(names::AUDITRAIL_PHASE) == Some("request")).unwrap();
    (events[0].clone(), half.text(names::AUDITRAIL_CALL_ID).unwrap().to_owned())
}

/// The event is of the call, and of alice.
fn assert_in_call(bench: &Bench, what: &str) -> Record {
    let (event, call) = found(bench);
    assert_eq!(event.text(names::AUDITRAIL_CALL_ID), Some(&*call), "{what}");
    assert_eq!(event.text(names::AUDIT_ACTOR_ID), Some("alice"), "{what}");
    assert_eq!(event.text(names::AUDITRAIL_TENANT_ID), Some("acme"), "{what}");
    // Whom a span names, nobody has verified.
    let is_verified = !what.starts_with("annotated");
    assert_eq!(event.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&is_verified.into()), "{what}");
    let keys: std::collections::BTreeSet<_> = event.attributes.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), event.attributes.len(), "{what}: each key once");
    event
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A handler that records an event in a span of its own.
#[derive(Clone)]
struct Server {
    trail: Trail,
}

impl ServerHandler for Server {
    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let trail = self.trail.clone();
        async {
            tokio::task::yield_now().await;
            trail.record(ContextChange::get("cart"));
        }
        .instrument(tracing::info_span!("inner"))
        .await;
        Ok(CallToolResult::success(Vec::new()).into())
    }
}

#[test]
fn in_a_handler_of_the_wrapper() {
    for layers in ALL.map(Some).into_iter().chain([None]) {
        let bench = Bench::with(|builder| builder.actor(|_| Some(alice())));
        let (dispatch, spans) = match layers {
            Some(layers) => layers.subscriber(&bench.trail),
            None => (tracing::Dispatch::none(), tracer().1),
        };
        let trail = bench.trail.clone();
        let work = async move {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let audited = trail.audited(Server { trail: trail.clone() });
            let serving = async move { audited.serve(ours).await.unwrap().waiting().await.unwrap() };
            tokio::spawn(serving.with_current_subscriber());
            let client = ().serve(theirs).await.unwrap();
            client.call_tool(CallToolRequestParams::new("close_ticket")).await.unwrap();
            client.cancel().await.unwrap();
        };
        tracing::dispatcher::with_default(&dispatch, || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
        });
        let what = format!("{layers:?}");
        let records = bench.records();
        let of_tool = |record: &&Record| {
            record.text(names::GEN_AI_TOOL_NAME).is_some() && record.text(names::AUDITRAIL_PHASE).is_some()
        };
        let call = records.iter().find(of_tool).unwrap().text(names::AUDITRAIL_CALL_ID);
        // What the wrapper itself tells of a notification is in no call, and the span of the connection is not its span.
        let notified = records.iter().find(|record| record.event_name == "auditrail.mcp.notification").unwrap();
        assert_eq!(notified.text(names::AUDITRAIL_CALL_ID), None, "{what}");
        assert_eq!(record_ids(notified), Default::default(), "{what}");
        let events: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.context").collect();
        assert_eq!(events.len(), 1, "{what}");
        assert_eq!(events[0].text(names::AUDITRAIL_CALL_ID), call, "{what}");
        assert_eq!(events[0].text(names::AUDIT_ACTOR_ID), Some("alice"), "{what}");
        if layers.is_some_and(Layers::has_otel) {
            assert_eq!(
                record_ids(events[0]),
                ids(&spans.named("inner")),
                "{what}: the current span, not that of the call"
            );
        } else {
            assert_eq!(record_ids(events[0]), Default::default(), "{what}");
        }
    }
}

/// A span of the user's that is a call; a span below it is current.
#[test]
fn in_an_annotated_span() {
    for layers in ALL.into_iter().filter(|layers| layers.has_audit()) {
        let bench = Bench::new();
        let (dispatch, spans) = layers.subscriber(&bench.trail);
        tracing::dispatcher::with_default(&dispatch, || {
            let call = tracing::info_span!(
                "call",
                mcp.method.name = "tools/call",
                audit.actor.id = "alice",
                auditrail.actor.verified = true,
                auditrail.tenant.id = "acme",
                audit.outcome = "success"
            );
            call.in_scope(|| {
                tracing::info_span!("inner").in_scope(|| bench.trail.record(ContextChange::get("cart")));
            });
        });
        let event = assert_in_call(&bench, &format!("annotated {layers:?}"));
        if layers.has_otel() {
            assert_eq!(record_ids(&event), ids(&spans.named("inner")), "{layers:?}");
        }
    }
}

#[test]
fn in_a_task_in_the_span_of_the_call() {
    for layers in ALL {
        let bench = Bench::new();
        let (dispatch, spans) = layers.subscriber(&bench.trail);
        let trail = bench.trail.clone();
        let work = async move {
            let call = begun(&trail).await;
            let task = async move {
                tokio::task::yield_now().await;
                let inner = tracing::info_span!("inner");
                let _inner = inner.enter();
                trail.record(ContextChange::get("cart"));
            };
            tokio::spawn(task.instrument(call.span().clone()).with_current_subscriber()).await.unwrap();
            call.finish(Outcome::ok()).await;
        };
        runtime().block_on(work.with_subscriber(dispatch));
        let event = assert_in_call(&bench, &format!("{layers:?}"));
        if layers.has_otel() {
            assert_eq!(record_ids(&event), ids(&spans.named("inner")), "{layers:?}");
        }
    }
}

/// Where no subscriber is, too; and a handler that was polled leaves nothing on its thread.
#[test]
fn in_a_handler_that_a_call_runs() {
    let bench = Bench::new();
    let trail = bench.trail.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let call = begun(&trail).await;
        let handler = call.run(async {
            tokio::task::yield_now().await;
            trail.record(ContextChange::get("cart"));
        });
        let outside = async { trail.record(ContextChange::get("outside")) };
        // They are polled in turns, on one thread.
        tokio::join!(handler, outside);
        call.finish(Outcome::ok()).await;
    });
    let records = bench.records();
    let of = |name: &str| records.iter().find(|record| record.text(names::AUDIT_TARGET_ID) == Some(name)).unwrap();
    assert_eq!(of("cart").text(names::AUDITRAIL_CALL_ID), records[0].text(names::AUDITRAIL_CALL_ID));
    assert_eq!(of("cart").text(names::AUDIT_ACTOR_ID), Some("alice"));
    assert_eq!(of("outside").text(names::AUDITRAIL_CALL_ID), None);
    assert_eq!(of("outside").text(names::AUDIT_ACTOR_ID), Some("anonymous"));
}

#[test]
fn on_a_thread_of_its_own() {
    type Say = fn(ContextChange, &OpenCall) -> ContextChange;
    let ways: [(&str, Say); 2] =
        [("of_call", |event, call| event.of_call(call)), ("within", |event, call| event.within(call.span().context()))];
    for (way, say) in ways {
        for layers in ALL {
            let bench = Bench::new();
            let (dispatch, spans) = layers.subscriber(&bench.trail);
            let trail = bench.trail.clone();
            let work = async move {
                let call = begun(&trail).await;
                let event = say(ContextChange::get("cart"), &call);
                // No subscriber is current there.
                std::thread::spawn(move || trail.record(event)).join().unwrap();
                call.finish(Outcome::ok()).await;
            };
            runtime().block_on(work.with_subscriber(dispatch));
            if way == "within" && !layers.has_otel() {
                // There is no context that could tell.
                assert_eq!(found(&bench).0.text(names::AUDITRAIL_CALL_ID), None, "{way} {layers:?}");
                continue;
            }
            let event = assert_in_call(&bench, &format!("{way} {layers:?}"));
            if layers.has_otel() {
                let span = spans.named("tools/call close_ticket");
                assert_eq!(record_ids(&event), ids(&span), "{way} {layers:?}");
                let mirrored = span.events.iter().filter(|event| event.name == "auditrail.context").count();
                assert_eq!(mirrored, 1, "{way} {layers:?}: an event of the span");
            }
        }
    }
}

#[test]
fn what_the_event_says_itself_counts_and_is_not_mixed() {
    let bench = Bench::new();
    let trail = bench.trail.clone();
    runtime().block_on(async {
        let call = begun(&trail).await;
        trail.record(ContextChange::get("a").of_call(&call).actor(Actor::asserted("bob")));
        trail.record(ContextChange::get("b").of_call(&call).tenant("other"));
        trail.record(Moment::new(auditrail::EventName::Authz).attribute(names::AUDIT_ACTOR_ID, "carol").of_call(&call));
        trail.record(TokenUse::of(trail.digest("jti")).of_call(&call));
        call.finish(Outcome::ok()).await;
    });
    let records = bench.records();
    let said = |index: usize| {
        let record: &Record = &records[index];
        (
            record.text(names::AUDIT_ACTOR_ID).unwrap(),
            record.get(names::AUDITRAIL_ACTOR_VERIFIED).cloned(),
            record.get(names::USER_ROLES).is_some(),
            record.text(names::AUDITRAIL_TENANT_ID).unwrap(),
        )
    };
    assert_eq!(said(1), ("bob", Some(false.into()), false, "acme"));
    assert_eq!(said(2), ("alice", Some(true.into()), true, "other"));
    assert_eq!(said(3), ("carol", Some(false.into()), false, "acme"), "nobody has verified carol");
    assert_eq!(said(4), ("alice", Some(true.into()), true, "acme"));
}

/// The token of an event is one token, and not half that of the actor.
#[test]
fn a_token_is_not_mixed() {
    let bench = Bench::new();
    let trail = bench.trail.clone();
    let mut actor = alice();
    actor.token.id_digest = Some("the actor's".to_owned());
    actor.token.issuer = Some("https://id.example".to_owned());
    runtime().block_on(async {
        let call = trail.begin(Call::mcp("tools/call").tool("t").actor(actor)).await.unwrap();
        trail.record(TokenUse::of(trail.digest("jti")).of_call(&call));
        trail.record(ContextChange::get("cart").of_call(&call));
        call.finish(Outcome::ok()).await;
    });
    let records = bench.records();
    assert_eq!(records[1].text(names::AUDITRAIL_TOKEN_ISSUER), None);
    assert_eq!(records[1].text(names::AUDIT_ACTOR_ID), Some("alice"));
    assert_eq!(records[2].text(names::AUDITRAIL_TOKEN_ISSUER), Some("https://id.example"));
}

/// The ids of spans begin anew in each registry.
#[test]
fn a_span_of_another_subscriber_is_not_taken_for_that_of_the_call() {
    for layers in ALL {
        let bench = Bench::new();
        let (ours, _spans) = layers.subscriber(&bench.trail);
        let theirs: [tracing::Dispatch; 2] =
            [tracing_subscriber::registry().into(), tracing_subscriber::registry().with(bench.trail.layer()).into()];
        let trail = bench.trail.clone();
        let work = async move {
            let call = begun(&trail).await;
            let id = call.span().id().unwrap();
            for other in theirs {
                tracing::dispatcher::with_default(&other, || {
                    let span = tracing::info_span!("other");
                    assert_eq!(span.id().unwrap().into_u64(), id.into_u64(), "or this test proves nothing");
                    span.in_scope(|| trail.record(ContextChange::get("cart")));
                });
            }
            call.finish(Outcome::ok()).await;
        };
        runtime().block_on(work.with_subscriber(ours));
        let records = bench.records();
        let events: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.context").collect();
        assert_eq!(events.len(), 2);
        for event in events {
            assert_eq!(event.text(names::AUDITRAIL_CALL_ID), None, "{layers:?}");
            assert_eq!(event.text(names::AUDIT_ACTOR_ID), Some("anonymous"), "{layers:?}");
        }
    }
}

/// A call of another trail is not that of this one.
#[test]
fn two_trails_keep_their_calls_apart() {
    for layers in ALL {
        let (bench, other) = (Bench::new(), Bench::new());
        let (dispatch, _spans) = layers.subscriber(&bench.trail);
        let (trail, others) = (bench.trail.clone(), other.trail.clone());
        let work = async move {
            let call = begun(&others).await;
            call.run(async { trail.record(ContextChange::get("cart")) }).await;
            call.finish(Outcome::ok()).await;
        };
        runtime().block_on(work.with_subscriber(dispatch));
        let records = bench.records();
        let event = records.iter().find(|record| record.event_name == "auditrail.context").unwrap();
        assert_eq!(event.text(names::AUDIT_ACTOR_ID), Some("anonymous"), "{layers:?}");
        assert_eq!(other.records().len(), 2, "{layers:?}");
    }
}

#[test]
fn after_the_call_an_event_has_its_trace_and_no_call() {
    for layers in ALL {
        let bench = Bench::new();
        let (dispatch, _spans) = layers.subscriber(&bench.trail);
        let trail = bench.trail.clone();
        let work = async move {
            let call = begun(&trail).await;
            let span = call.span().clone();
            call.finish(Outcome::ok()).await;
            span.in_scope(|| trail.record(ContextChange::get("cart")));
        };
        runtime().block_on(work.with_subscriber(dispatch));
        let (event, _) = found(&bench);
        assert_eq!(event.text(names::AUDITRAIL_CALL_ID), None, "{layers:?}");
        assert_eq!(event.trace_id.is_some(), layers.has_otel(), "{layers:?}");
    }
}

/// Ids are empty rather than those of a caller.
#[test]
fn the_span_of_a_caller_is_not_that_of_the_event() {
    let bench = Bench::new();
    let remote =
        SpanContext::new(TraceId::from(0x11), SpanId::from(0x22), TraceFlags::SAMPLED, true, TraceState::default());
    let remote = Context::new().with_remote_span_context(remote);
    bench.trail.record(ContextChange::get("said").within(remote.clone()));
    let _current = remote.attach();
    bench.trail.record(ContextChange::get("current"));
    for record in bench.records() {
        assert_eq!(record_ids(&record), (TraceId::from(0x11).to_string(), String::new()));
    }
}

/// What takes time is a call.
#[test]
fn access_to_a_resource_may_be_a_call() {
    let bench = Bench::new();
    let trail = bench.trail.clone();
    runtime().block_on(async {
        let call = trail.begin(ResourceAccess::read("s3://bucket/a?key=secret").actor(alice())).await.unwrap();
        call.enrich(names::AUDITRAIL_RESOURCE_PREVIEW_DIGEST, trail.digest("preview"));
        call.finish(Outcome::ok()).await;
    });
    let records = bench.records();
    let said = |record: &Record| {
        [names::AUDITRAIL_PHASE, names::AUDIT_TARGET_ID, names::AUDIT_ACTION, names::AUDIT_ACTOR_ID]
            .map(|name| record.text(name).unwrap_or_default().to_owned())
    };
    assert_eq!(records[0].event_name, "auditrail.mcp.resources.read");
    assert_eq!(said(&records[0]), ["request", "s3://bucket/a", "READ", "alice"]);
    assert_eq!(said(&records[1]), ["response", "s3://bucket/a", "READ", "alice"]);
    assert!(records[1].text(names::AUDITRAIL_RESOURCE_PREVIEW_DIGEST).is_some());
}

/// An event by `tracing` inside a call is as good as a typed one.
#[test]
fn an_event_by_tracing_has_the_actor_of_its_call() {
    let bench = Bench::new();
    let (dispatch, _spans) = Layers::Both.subscriber(&bench.trail);
    let trail = Arc::new(bench.trail.clone());
    let work = async move {
        let call = begun(&trail).await;
        call.run(async { tracing::info!(auditrail.event = "auditrail.authz", auditrail.decision = "allow") }).await;
        call.finish(Outcome::ok()).await;
    };
    runtime().block_on(work.with_subscriber(dispatch));
    assert_in_call(&bench, "tracing");
}

/// And so is a span that is an event; what it says itself counts, whenever it says it.
#[test]
fn a_span_that_is_an_event_has_the_actor_of_its_call() {
    let bench = Bench::new();
    let (dispatch, _spans) = Layers::Both.subscriber(&bench.trail);
    let trail = bench.trail.clone();
    let work = async move {
        let call = begun(&trail).await;
        call.run(async {
            tracing::info_span!("lent", auditrail.event = "auditrail.authz").in_scope(|| ());
            let late =
                tracing::info_span!("own", auditrail.event = "auditrail.authn", audit.actor.id = tracing::field::Empty);
            late.in_scope(|| late.record("audit.actor.id", "bob"));
        })
        .await;
        call.finish(Outcome::ok()).await;
        // Memory is used again, and what was lent is not.
        for _ in 0..100 {
            tracing::info_span!("later", auditrail.event = "auditrail.lineage").in_scope(|| ());
        }
    };
    runtime().block_on(work.with_subscriber(dispatch));
    let records = bench.records();
    let said = |event: &str| {
        let of: Vec<_> = records.iter().filter(|record| record.event_name == event).collect();
        let who = |record: &&Record| {
            let text = |name| record.text(name).map(ToOwned::to_owned);
            let verified = record.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&true.into());
            (text(names::AUDIT_ACTOR_ID).unwrap(), verified, text(names::AUDITRAIL_TENANT_ID))
        };
        of.iter().map(who).collect::<Vec<_>>()
    };
    let acme = Some("acme".to_owned());
    assert_eq!(said("auditrail.authz"), [("alice".to_owned(), true, acme.clone())]);
    assert_eq!(said("auditrail.authn"), [("bob".to_owned(), false, acme)]);
    assert_eq!(said("auditrail.lineage"), vec![("anonymous".to_owned(), false, None); 100]);
}
