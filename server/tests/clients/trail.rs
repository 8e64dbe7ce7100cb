//! What the records tell, and what they must not tell.

use std::collections::{BTreeMap, BTreeSet};

use auditrail::record::{Record, Value, names};

use crate::run::{Mode, Run, Transport};
use crate::story::{Call, To};

/// A record that arrived.
#[derive(Debug)]
pub(crate) struct Received {
    record: Record,
    bytes: Vec<u8>,
}

impl Received {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { record: Record::decode(bytes).unwrap(), bytes: bytes.to_vec() }
    }

    /// Empty for what is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.record.text(name).unwrap_or_default()
    }

    fn is(&self, event: &str) -> bool {
        self.record.event_name == event
    }
}

/// The two halves of a call.
struct Pair<'a> {
    request: &'a Received,
    response: &'a Received,
}

/// Everything of the story, once, and nothing else.
pub(crate) fn tells(run: &Run, records: &[Received]) {
    let pairs = pairs(records);
    let told: Vec<Call> = pairs.iter().map(Pair::call).collect();
    for (at, call) in run.calls().iter().enumerate() {
        assert_eq!(told.get(at), Some(call), "{run:?}: request {at} of {told:#?}");
    }
    assert_eq!(told.len(), run.calls().len(), "{run:?}: {told:#?}");
    for pair in &pairs {
        pair.says_who(run);
    }
    notifications(run, &pairs, records);
    session(run, &pairs, records);
    without_a_message(run, records);
    rounds(run, &pairs);
    for received in records {
        let secret = received.bytes.windows(SECRET.len()).any(|bytes| bytes == SECRET);
        assert!(!secret, "{run:?}: {:#?}", received.record);
    }
}

impl Pair<'_> {
    fn call(&self) -> Call {
        let to = match self.request.text(names::AUDITRAIL_MCP_DIRECTION) {
            "client_to_server" => To::Server,
            "server_to_client" => To::Client,
            other => panic!("no direction is called {other:?}"),
        };
        let end = self.response.text(names::AUDITRAIL_OUTCOME_DETAIL);
        let code = match self.response.text(names::RPC_RESPONSE_STATUS_CODE) {
            // FastMCP acknowledges a cancellation by an error, if the client still has the stream open for it.
            "-32800" if matches!(end, "cancelled" | "timeout") => "",
            code => code,
        };
        Call {
            to,
            method: self.request.text(names::MCP_METHOD_NAME).to_owned(),
            tool: self.request.text(names::GEN_AI_TOOL_NAME).to_owned(),
            end: end.to_owned(),
            code: code.to_owned(),
        }
    }

    fn says_who(&self, run: &Run) {
        for half in [self.request, self.response] {
            assert_eq!(half.text(names::AUDITRAIL_CLIENT_NAME), run.client.name(), "{run:?}: {half:#?}");
            assert_eq!(half.text(names::MCP_PROTOCOL_VERSION), run.mode.revision(), "{run:?}: {half:#?}");
            let transport = match run.transport {
                Transport::Stdio => "stdio",
                Transport::Http | Transport::HttpResumed => "streamable_http",
            };
            assert_eq!(half.text(names::AUDITRAIL_MCP_TRANSPORT), transport, "{run:?}: {half:#?}");
        }
    }

    fn id(&self) -> &str {
        self.request.text(names::AUDITRAIL_CALL_ID)
    }

    fn is(&self, tool: &str) -> bool {
        self.request.text(names::GEN_AI_TOOL_NAME) == tool
    }
}

/// The calls in the order in which they were asked, each with exactly two halves.
fn pairs(records: &[Received]) -> Vec<Pair<'_>> {
    let mut calls = BTreeMap::<&str, Vec<&Received>>::new();
    let is_half = |received: &&Received| !received.text(names::AUDITRAIL_PHASE).is_empty() && !received.is(HTTP);
    for received in records.iter().filter(is_half) {
        calls.entry(received.text(names::AUDITRAIL_CALL_ID)).or_default().push(received);
    }
    let mut pairs: Vec<_> = calls.into_values().map(pair).collect();
    pairs.sort_by_key(|pair| pair.request.record.time_unix_nano);
    pairs
}

fn pair(halves: Vec<&Received>) -> Pair<'_> {
    let half = |phase| halves.iter().find(|half| half.text(names::AUDITRAIL_PHASE) == phase);
    match (halves.len(), half("request"), half("response")) {
        (2, Some(request), Some(response)) => Pair { request, response },
        _ => panic!("no pair: {halves:#?}"),
    }
}

/// A cancellation names the call that it means.
fn notifications(run: &Run, pairs: &[Pair<'_>], records: &[Received]) {
    let moments: Vec<_> = records.iter().filter(|received| received.is("auditrail.mcp.notification")).collect();
    let mut methods: Vec<_> = moments.iter().map(|moment| moment.text(names::MCP_METHOD_NAME)).collect();
    methods.sort_unstable();
    // What is sent again, as often as the client comes for it, is told once.
    assert_eq!(methods, run.notifications(), "{run:?}");

    let cancelling = moments.iter().filter(|moment| moment.text(names::MCP_METHOD_NAME) == "notifications/cancelled");
    let ids: BTreeSet<_> = cancelling.map(|moment| moment.text(names::AUDITRAIL_CALL_ID)).collect();
    let waiting: BTreeSet<_> = pairs.iter().filter(|pair| pair.is("wait")).map(Pair::id).collect();
    assert_eq!(ids, if run.close_cancels() { BTreeSet::new() } else { waiting }, "{run:?}");
    for moment in moments {
        let from = match moment.text(names::MCP_METHOD_NAME) {
            PROGRESS => "server_to_client",
            _ => "client_to_server",
        };
        assert_eq!(moment.text(names::AUDITRAIL_MCP_DIRECTION), from, "{run:?}: {moment:#?}");
    }
}

/// A session has a beginning and an end, which counts what was in between. Without sessions there is neither.
fn session(run: &Run, pairs: &[Pair<'_>], records: &[Received]) {
    let moments: Vec<_> = records.iter().filter(|received| received.is("auditrail.mcp.session")).collect();
    let states: Vec<_> = moments.iter().map(|moment| moment.text(names::AUDITRAIL_MCP_SESSION_STATE)).collect();
    if run.mode == Mode::Auto {
        assert_eq!(states, [""; 0], "{run:?}");
        return;
    }
    assert_eq!(states, ["start", "end"], "{run:?}");
    let [start, end] = moments[..] else { panic!("{moments:#?}") };
    assert_eq!(start.text(names::AUDITRAIL_CLIENT_NAME), run.client.name(), "{run:?}");
    let id = start.text(names::MCP_SESSION_ID);
    assert_eq!((id, id.is_empty()), (end.text(names::MCP_SESSION_ID), run.transport == Transport::Stdio), "{run:?}");

    let to = |to| i64::try_from(pairs.iter().filter(|pair| pair.call().to == to).count()).unwrap();
    let count = |name| match end.record.get(name) {
        Some(Value::Int(count)) => *count,
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_REQUESTS), to(To::Server), "{run:?}");
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_REQUESTS_TO_CLIENT), to(To::Client), "{run:?}");
    let notifications = i64::try_from(run.notifications().len()).unwrap();
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_NOTIFICATIONS), notifications, "{run:?}");
}

/// Only who comes back after the end of the session sends what no MCP message belongs to.
fn without_a_message(run: &Run, records: &[Received]) {
    let http: Vec<_> = records.iter().filter(|received| received.is(HTTP)).collect();
    assert!(http.is_empty() || run.transport == Transport::HttpResumed, "{run:?}: {http:#?}");
}

/// A call that asked for input, and those that went on with it, are one chain: each brings the state of the one before, and
/// names the first.
fn rounds(run: &Run, pairs: &[Pair<'_>]) {
    let mut chains = 0;
    for (tool, rounds) in [("elicit", 2), ("roots", 2), ("rounds", 3)] {
        let chain: Vec<_> = pairs.iter().filter(|pair| pair.is(tool)).collect();
        if run.mode == Mode::Legacy {
            assert_eq!(chain.len(), 1, "{run:?}");
            continue;
        }
        assert_eq!(chain.len(), rounds, "{run:?}");
        for steps in chain.windows(2) {
            let issued = steps[0].response.text(names::AUDITRAIL_MCP_REQUEST_STATE_ISSUED);
            assert_eq!(issued.len(), 64, "{run:?}: {issued:?}");
            for half in [steps[1].request, steps[1].response] {
                assert_eq!(half.text(names::AUDITRAIL_MCP_REQUEST_STATE_RECEIVED), issued, "{run:?}: {half:#?}");
                assert_eq!(half.text(names::AUDITRAIL_CALL_ORIGIN_ID), chain[0].id(), "{run:?}: {half:#?}");
            }
            chains += 1;
        }
        assert_eq!(chain[0].request.text(names::AUDITRAIL_CALL_ORIGIN_ID), "", "{run:?}");
    }
    assert_eq!(chains, if run.mode == Mode::Auto { 4 } else { 0 }, "{run:?}");
}

const HTTP: &str = "auditrail.http.request";
const PROGRESS: &str = "notifications/progress";
/// Stands in arguments, results, messages of errors, states, questions and answers: all that no record may carry.
const SECRET: &[u8] = b"canary";
