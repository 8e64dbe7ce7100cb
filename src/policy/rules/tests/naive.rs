//! A second policy, as the pages say it: one rule after the other, on texts. It shares no code with what it judges.

use proptest::prelude::*;

use crate::policy::{CallFacts, Halves, Level, Rule, Sample};
use crate::record::{Direction, EventName, Outcome};

/// A rule, as it would be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub(super) method: Option<&'static str>,
    pub(super) tool: Option<&'static str>,
    pub(super) read_only: Option<bool>,
    pub(super) destructive: Option<bool>,
    pub(super) idempotent: Option<bool>,
    pub(super) open_world: Option<bool>,
    pub(super) prompt: Option<&'static str>,
    pub(super) resource: Option<&'static str>,
    pub(super) actor: Option<&'static str>,
    pub(super) tenant: Option<&'static str>,
    pub(super) from_server: Option<bool>,
    pub(super) outcome: Option<&'static str>,
    pub(super) level: usize,
    pub(super) response_only: bool,
    pub(super) class: Option<&'static str>,
    pub(super) sample: bool,
}

/// What is kept, as the pages say it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) rule: Option<usize>,
    pub(super) level: usize,
    pub(super) response_only: bool,
    pub(super) class: Option<&'static str>,
    pub(super) sample: bool,
}

impl Written {
    pub(super) fn rule(&self, number: usize) -> Rule {
        let mut rule = Rule::named(format!("r{number}")).level(LEVELS[self.level]);
        type Setter = fn(Rule, &'static str) -> Rule;
        let names: [(Option<&'static str>, Setter); 8] = [
            (self.method, |rule, text| rule.method(text)),
            (self.tool, |rule, text| rule.tool(text)),
            (self.prompt, |rule, text| rule.prompt(text)),
            (self.resource, |rule, text| rule.resource(text)),
            (self.actor, |rule, text| rule.actor(text)),
            (self.tenant, |rule, text| rule.tenant(text)),
            (self.outcome, |rule, text| rule.outcome(text)),
            (self.class, |rule, text| rule.class(text)),
        ];
        for (text, set) in names {
            rule = text.map_or(rule.clone(), |text| set(rule, text));
        }
        let flags: [(Option<bool>, SetFlag); 4] = [
            (self.read_only, Rule::read_only),
            (self.destructive, Rule::destructive),
            (self.idempotent, Rule::idempotent),
            (self.open_world, Rule::open_world),
        ];
        for (value, set) in flags {
            rule = value.map_or(rule.clone(), |value| set(rule, value));
        }
        if let Some(from_server) = self.from_server {
            rule = rule.direction(if from_server { Direction::ServerToClient } else { Direction::ClientToServer });
        }
        if self.response_only {
            rule = rule.halves(Halves::Response);
        }
        if self.sample { rule.sample(Sample::one_in(7).unwrap()) } else { rule }
    }

    /// The keys that a call does not have.
    pub(super) fn differs(&self, facts: &CallFacts<'_>, outcome: &Outcome) -> Vec<&'static str> {
        let method = method_of(facts);
        let is_tool = method == Some("tools/call");
        let read_only = facts.read_only == Some(true);
        let destructive = facts.destructive.unwrap_or(!read_only);
        let hint = |wanted: Option<bool>, has: bool| wanted.is_none_or(|wanted| is_tool && wanted == has);
        let ends = |wanted: &str| {
            wanted == outcome.status.as_str() || outcome.detail.is_some_and(|detail| wanted == detail.as_str())
        };
        let asked = facts.direction.map(|direction| direction == Direction::ServerToClient);
        let any_method = self.method == Some("*");
        [
            ("method", any_method || fits(self.method, method)),
            ("tool", fits(self.tool, facts.tool.filter(|_| is_tool))),
            ("read_only", hint(self.read_only, read_only)),
            ("destructive", hint(self.destructive, destructive)),
            ("idempotent", hint(self.idempotent, facts.idempotent == Some(true))),
            ("open_world", hint(self.open_world, facts.open_world != Some(false))),
            ("prompt", fits(self.prompt, facts.prompt.filter(|_| method == Some("prompts/get")))),
            ("resource", fits(self.resource, facts.resource)),
            ("actor", fits(self.actor, facts.actor)),
            ("tenant", fits(self.tenant, facts.tenant)),
            ("direction", self.from_server.is_none_or(|wanted| asked == Some(wanted))),
            ("outcome", self.outcome.is_none_or(ends)),
        ]
        .into_iter()
        .filter(|(_, is_right)| !is_right)
        .map(|(key, _)| key)
        .collect()
    }

    fn names_calls(&self) -> bool {
        let hints = [self.read_only, self.destructive, self.idempotent, self.open_world];
        let names = [self.tool, self.prompt, self.resource, self.actor, self.tenant];
        self.method.is_some_and(|method| method != "*")
            || names.iter().any(Option::is_some)
            || hints.iter().any(Option::is_some)
    }
}

/// What a policy of these rules keeps.
pub(super) fn kept(rules: &[Written], facts: &CallFacts<'_>, outcome: &Outcome) -> Kept {
    let Some(number) = rules.iter().position(|rule| rule.differs(facts, outcome).is_empty()) else {
        return Kept { rule: None, level: 1, response_only: false, class: None, sample: false };
    };
    let rule = &rules[number];
    let is_left_out_by_default = is_read(facts) && outcome.status.as_str() == "success";
    let level = match rule.level {
        0 if !rule.names_calls() && !is_left_out_by_default => 1,
        level => level,
    };
    let sample = rule.sample && is_left_out_by_default;
    Kept { rule: Some(number), level, response_only: rule.response_only, class: rule.class, sample }
}

fn is_read(facts: &CallFacts<'_>) -> bool {
    let is_call = facts.event != Some(EventName::Authn);
    let reads = ["ping", "prompts/get", "resources/read", "tools/list"];
    is_call
        && match method_of(facts) {
            Some("tools/call") => facts.read_only == Some(true),
            method => method.is_some_and(|method| reads.contains(&method)),
        }
}

fn method_of<'a>(facts: &CallFacts<'a>) -> Option<&'a str> {
    let of_prompt = facts.prompt.map(|_| "prompts/get");
    facts.method.or_else(|| facts.tool.map(|_| "tools/call")).or(of_prompt)
}

fn fits(wanted: Option<&str>, name: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let Some(name) = name else { return false };
    match wanted.split_once('*') {
        Some((beginning, _)) => name.get(..beginning.len()) == Some(beginning),
        None => name == wanted,
    }
}

/// Some rule, often one that says nothing new.
pub(super) fn some_rule() -> impl Strategy<Value = Written> {
    let names = (
        maybe(&["*", "tools/call", "tools/*", "ping", "prompts/get", "initialize"]),
        maybe(PATTERNS),
        rarely(PATTERNS),
        rarely(PATTERNS),
        maybe(PATTERNS),
        rarely(PATTERNS),
        rarely(&["success", "failure", "unknown", "denied", "ok", "tool_error", "cancelled"]),
    );
    let hints = (seldom(), seldom(), seldom(), seldom(), seldom());
    let says = (0..4_usize, prop::bool::weighted(0.2), rarely(&["light", "critical"]), prop::bool::weighted(0.2));
    (names, hints, says).prop_map(|(names, hints, says)| Written {
        method: names.0,
        tool: names.1,
        prompt: names.2,
        resource: names.3,
        actor: names.4,
        tenant: names.5,
        outcome: names.6,
        read_only: hints.0,
        destructive: hints.1,
        idempotent: hints.2,
        open_world: hints.3,
        from_server: hints.4,
        level: says.0,
        response_only: says.1,
        class: says.2,
        sample: says.3,
    })
}

/// Some call.
pub(super) fn some_facts() -> impl Strategy<Value = CallFacts<'static>> {
    let methods = &["tools/call", "tools/list", "ping", "prompts/get", "resources/read", "initialize", "x"];
    let names = (maybe(methods), maybe(NAMES), rarely(NAMES), rarely(NAMES), maybe(NAMES), rarely(NAMES));
    let hint = || prop::option::of(any::<bool>());
    let directions = prop::option::of(prop::sample::select(vec![Direction::ClientToServer, Direction::ServerToClient]));
    let events = prop::option::weighted(0.2, Just(EventName::Authn));
    (names, (hint(), hint(), hint(), hint()), directions, events).prop_map(|(names, hints, direction, event)| {
        CallFacts {
            event,
            method: names.0,
            tool: names.1,
            prompt: names.2,
            resource: names.3,
            actor: names.4,
            tenant: names.5,
            read_only: hints.0,
            destructive: hints.1,
            idempotent: hints.2,
            open_world: hints.3,
            direction,
        }
    })
}

fn maybe(texts: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(texts))
}

fn rarely(texts: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(0.2, prop::sample::select(texts))
}

fn seldom() -> impl Strategy<Value = Option<bool>> {
    prop::option::weighted(0.15, any::<bool>())
}

pub(super) const LEVELS: [Level; 4] = [Level::None, Level::Metadata, Level::Arguments, Level::Full];
const PATTERNS: &[&str] = &["a", "b", "ab", "abc", "a*", "ab*", "abc*", "*", "é*"];
const NAMES: &[&str] = &["a", "b", "ab", "abc", "abd", "ac", "z", "é", "éa", ""];

type SetFlag = fn(Rule, bool) -> Rule;
