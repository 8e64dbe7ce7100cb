//! Each fact of the contract is left on the record by a field of its name, on the span of a call and on one inside it; and nothing
//! that is not a fact.

use auditrail::Outcome;
use auditrail::record::names::{ATTRIBUTES, Attribute, Kind, Role};
use auditrail::record::{Record, Value, names};
use auditrail::trail::Call;
use tracing::field::{FieldSet, Value as FieldValue};
use tracing::{Callsite, Level, Metadata, callsite::Identifier, metadata, subscriber::Interest};
use tracing_subscriber::prelude::*;

use crate::support::Bench;

/// What is said, and what is to stand on the record; by the kind of the attribute.
fn cases(kind: Kind) -> Vec<(Box<dyn FieldValue>, Value)> {
    fn said<V: FieldValue + 'static>(value: V, recorded: Value) -> (Box<dyn FieldValue>, Value) {
        (Box::new(value), recorded)
    }
    match kind {
        Kind::Str => vec![
            said("text", "text".into()),
            said(7_i64, "7".into()),
            said(u64::MAX, "18446744073709551615".into()),
            said(1.5, "1.5".into()),
            said(true, "true".into()),
            said(tracing::field::display("shown"), "shown".into()),
        ],
        Kind::Int => vec![said(7_u64, Value::Int(7)), said("7", Value::Int(7)), said(-7_i64, Value::Int(-7))],
        Kind::Double => {
            vec![said(1.5, Value::Double(1.5)), said(60_u64, Value::Double(60.0)), said("0.25", Value::Double(0.25))]
        }
        Kind::Bool => vec![said(true, Value::Bool(true)), said("false", Value::Bool(false))],
        Kind::Strs => vec![said("one", Value::strings(["one"])), said(7_i64, Value::Array(vec![Value::Int(7)]))],
        Kind::Ints => vec![],
    }
}

/// A span of a name and one field that are known at run time alone.
fn span(name: &'static str, fields: &'static [&'static str], values: &[&dyn FieldValue]) -> tracing::Span {
    struct Site(std::sync::OnceLock<Metadata<'static>>);
    impl Callsite for Site {
        fn set_interest(&self, _: Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            self.0.get().unwrap()
        }
    }
    let site: &'static Site = Box::leak(Box::new(Site(std::sync::OnceLock::new())));
    let set = FieldSet::new(fields, Identifier(site));
    let metadata = Metadata::new(name, "app", Level::INFO, None, None, None, set, metadata::Kind::SPAN);
    site.0.set(metadata).unwrap();
    let metadata = site.0.get().unwrap();
    let of: Vec<_> = metadata.fields().iter().collect();
    let made = |values| tracing::Span::new(metadata, values);
    match (&of[..], values) {
        ([first], [one]) => made(&metadata.fields().value_set(&[(first, Some(*one))])),
        ([first, second], [one, two]) => {
            made(&metadata.fields().value_set(&[(first, Some(*one)), (second, Some(*two))]))
        }
        ([first, second, third], [one, two, three]) => {
            made(&metadata.fields().value_set(&[(first, Some(*one)), (second, Some(*two)), (third, Some(*three))]))
        }
        _ => panic!("{fields:?}"),
    }
}

fn leaked(name: &'static str, more: &[&'static str]) -> &'static [&'static str] {
    Box::leak([&[name], more].concat().into_boxed_slice())
}

/// One trail, and the calls on which something is said.
struct Rig {
    bench: Bench,
    said: Vec<&'static Attribute>,
}

impl Rig {
    fn new() -> Self {
        Self { bench: Bench::new(), said: Vec::new() }
    }

    /// Says it on the span of a call, and on a span inside a call.
    fn say(&mut self, attribute: &'static Attribute, value: &dyn FieldValue) {
        let own = leaked(attribute.name, &["auditrail.event", "audit.outcome"]);
        let inner = leaked(attribute.name, &[]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // A call that names no method has no facts of its own.
        span("own", own, &[value, &"auditrail.http.request", &"success"]).in_scope(|| ());
        runtime.block_on(async {
            let call = self.bench.trail.begin(Call::mcp("ping")).await.unwrap();
            call.span().in_scope(|| span("inner", inner, &[value]).in_scope(|| ()));
            call.finish(Outcome::ok()).await;
        });
        self.said.push(attribute);
    }

    /// The response records of both calls, for each thing that was said.
    fn left(self) -> Vec<(&'static Attribute, [Record; 2])> {
        let records = self.bench.records();
        assert_eq!(records.len(), 4 * self.said.len());
        let pairs = records.chunks(4).map(|calls| [calls[1].clone(), calls[3].clone()]);
        self.said.into_iter().zip(pairs).collect()
    }
}

fn subscribed<T>(work: impl FnOnce(&mut Rig) -> T) -> (Rig, T) {
    let mut rig = Rig::new();
    let subscriber = tracing_subscriber::registry().with(rig.bench.trail.layer());
    let done = tracing::subscriber::with_default(subscriber, || work(&mut rig));
    (rig, done)
}

#[test]
fn every_fact_may_be_said_by_a_field() {
    // Known of every call that the trail begins, so a span inside does not replace them.
    const CAPTURED: [&str; 2] = [names::MCP_METHOD_NAME, names::AUDITRAIL_MCP_DIRECTION];
    let (rig, expected) = subscribed(|rig| {
        let is_fact = |attribute: &&Attribute| attribute.role == Role::Fact && attribute.name != names::AUDITRAIL_EVENT;
        let mut expected = Vec::new();
        for attribute in ATTRIBUTES.iter().filter(is_fact) {
            let cases = cases(attribute.kind);
            assert!(!cases.is_empty(), "{}: a fact of a kind that no field has", attribute.name);
            for (value, recorded) in cases {
                rig.say(attribute, &*value);
                expected.push(recorded);
            }
        }
        expected
    });
    assert!(expected.len() > 300, "{}", expected.len());
    for ((attribute, [own, around]), recorded) in rig.left().into_iter().zip(expected) {
        assert_eq!(own.get(attribute.name), Some(&recorded), "{} on the span of a call", attribute.name);
        if !CAPTURED.contains(&attribute.name) {
            assert_eq!(around.get(attribute.name), Some(&recorded), "{} on a span inside", attribute.name);
        }
    }
}

/// What belongs to the trail, to the content, or to what a client claims, no field can say.
#[test]
fn nothing_else_may_be_said_by_a_field() {
    let (rig, ()) = subscribed(|rig| {
        let others = ATTRIBUTES.iter().filter(|attribute| matches!(attribute.role, Role::Trail | Role::Content));
        others.for_each(|attribute| rig.say(attribute, &"canary"));
    });
    let canary = Value::from("canary");
    for (attribute, records) in rig.left() {
        for record in records {
            let found = record.get(attribute.name);
            assert!(found != Some(&canary) && found != Some(&Value::Array(vec![canary.clone()])), "{}", attribute.name);
        }
    }
}
