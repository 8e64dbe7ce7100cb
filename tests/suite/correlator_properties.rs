//! Whatever is said in whatever order, and however the bytes are cut: each request has one pair of records, and the pair
//! says what a list of open requests would.

use std::collections::BTreeMap;

use auditrail::record::{Record, Value, names};
use proptest::prelude::*;

use crate::support::{Bench, ending};
use crate::tapped::Wire;

#[derive(Debug, Clone)]
enum Step {
    ClientAsks(u8),
    ServerAsks(u8),
    ServerAnswers(u8),
    ClientAnswers(u8),
    ClientCancels(u8),
    ServerCancels(u8),
    Notification,
    Garbage(Vec<u8>),
    /// A line of the server that is no message, as of somebody's `println!`.
    Chatter,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0_u8..3;
    prop_oneof![
        4 => id.clone().prop_map(Step::ClientAsks),
        2 => id.clone().prop_map(Step::ServerAsks),
        4 => id.clone().prop_map(Step::ServerAnswers),
        2 => id.clone().prop_map(Step::ClientAnswers),
        1 => id.clone().prop_map(Step::ClientCancels),
        1 => id.prop_map(Step::ServerCancels),
        1 => Just(Step::Notification),
        1 => proptest::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 1..40)
            .prop_filter("not blank", |line| !line.iter().all(u8::is_ascii_whitespace))
            // The elements of half a batch count each.
            .prop_filter("no batch", |line| !line.trim_ascii_start().starts_with(b"["))
            .prop_map(Step::Garbage),
        1 => Just(Step::Chatter),
    ]
}

/// What must be recorded: how many calls of each direction ended in each way, and how many moments there were.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    ends: BTreeMap<(&'static str, &'static str), usize>,
    notifications: usize,
    garbage: usize,
}

/// Of one id in one direction.
#[derive(Default)]
struct Open {
    /// How each would end if nothing more came.
    calls: Vec<&'static str>,
    /// How many answers may still come to calls that have ended without.
    owed: usize,
}

#[derive(Default)]
struct Model {
    open: BTreeMap<(&'static str, u8), Open>,
    expected: Expected,
}

const C2S: &str = "client_to_server";
const S2C: &str = "server_to_client";

impl Model {
    fn ask(&mut self, direction: &'static str, id: u8) {
        self.open.entry((direction, id)).or_default().calls.push("no_response");
    }

    fn answer(&mut self, direction: &'static str, id: u8) {
        let open = self.open.entry((direction, id)).or_default();
        let calls = std::mem::take(&mut open.calls);
        let how = if calls.len() + open.owed > 1 { "ambiguous_id" } else { "ok" };
        open.owed = (open.owed + calls.len()).saturating_sub(1);
        self.end(direction, calls.iter().map(|_| how));
    }

    fn cancel(&mut self, direction: &'static str, id: u8) {
        let open = self.open.entry((direction, id)).or_default();
        let how = if open.calls.len() > 1 { "ambiguous_id" } else { "cancelled" };
        open.calls.iter_mut().filter(|call| **call != "ambiguous_id").for_each(|call| *call = how);
    }

    fn end(&mut self, direction: &'static str, how: impl Iterator<Item = &'static str>) {
        how.for_each(|how| *self.expected.ends.entry((direction, how)).or_default() += 1);
    }

    fn close(mut self) -> Expected {
        for ((direction, _), open) in std::mem::take(&mut self.open) {
            self.end(direction, open.calls.into_iter());
        }
        self.expected
    }
}

async fn play(bench: &Bench, steps: &[Step], cuts: &[usize]) -> Expected {
    let (mut wire, mut model, mut cuts) = (Wire::new(&bench.trail), Model::default(), cuts.iter().copied().cycle());
    let request = |id: u8| format!(r#"{{"params":{{"name":"t"}},"id":{id},"method":"tools/call","jsonrpc":"2.0"}}"#);
    let answer = |id: u8| format!(r#"{{"result":{{"content":[]}},"jsonrpc":"2.0","id":{id}}}"#);
    let cancel =
        |id: u8| format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}},"jsonrpc":"2.0"}}"#);
    for step in steps {
        let (from_client, line) = match step {
            Step::ClientAsks(id) => {
                model.ask(C2S, *id);
                (true, request(*id).into_bytes())
            }
            Step::ServerAsks(id) => {
                model.ask(S2C, *id);
                (false, request(*id).into_bytes())
            }
            Step::ServerAnswers(id) => {
                model.answer(C2S, *id);
                (false, answer(*id).into_bytes())
            }
            Step::ClientAnswers(id) => {
                model.answer(S2C, *id);
                (true, answer(*id).into_bytes())
            }
            Step::ClientCancels(id) => {
                model.expected.notifications += 1;
                model.cancel(C2S, *id);
                (true, cancel(*id).into_bytes())
            }
            Step::ServerCancels(id) => {
                model.expected.notifications += 1;
                model.cancel(S2C, *id);
                (false, cancel(*id).into_bytes())
            }
            Step::Notification => {
                model.expected.notifications += 1;
                (true, br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#.to_vec())
            }
            // It may be a call to the server, which answers nothing that belongs to it.
            Step::Garbage(line) => {
                *model.expected.ends.entry((C2S, "no_response")).or_default() += 1;
                (true, [b"x", &line[..]].concat())
            }
            Step::Chatter => {
                model.expected.garbage += 1;
                (false, b"server is listening".to_vec())
            }
        };
        let line = [line, b"\n".to_vec()].concat();
        let mut rest = &line[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cuts.next().unwrap().clamp(1, rest.len()));
            if from_client {
                wire.client_bytes(piece).await
            } else {
                wire.server_bytes(piece).await
            }
            rest = behind;
        }
    }
    drop(wire);
    model.close()
}

fn recorded(records: &[Record]) -> Expected {
    let mut seen = Expected::default();
    let mut open = BTreeMap::new();
    for record in records {
        let call = record.text(names::AUDITRAIL_CALL_ID).map(ToOwned::to_owned);
        match (record.event_name.as_ref() as &str, ending(record).0) {
            ("auditrail.mcp.notification", _) => seen.notifications += 1,
            (_, "request") => assert!(open.insert(call, record).is_none(), "one request a call"),
            (_, "response") => {
                let request = open.remove(&call).expect("an answer to a request, and only one");
                assert_eq!(request.text(names::JSONRPC_REQUEST_ID), record.text(names::JSONRPC_REQUEST_ID));
                let direction = if record.text(names::AUDITRAIL_MCP_DIRECTION) == Some(C2S) { C2S } else { S2C };
                let said = record.text(names::AUDITRAIL_OUTCOME_DETAIL).or(record.text(names::ERROR_TYPE)).unwrap();
                let ways = ["ok", "cancelled", "no_response", "ambiguous_id"];
                let how = ways.into_iter().find(|how| *how == said).unwrap();
                *seen.ends.entry((direction, how)).or_default() += 1;
            }
            // Some stand for many.
            _ => {
                seen.garbage += match record.get(names::AUDITRAIL_MCP_FLAWED_COUNT) {
                    Some(Value::Int(count)) => usize::try_from(*count).unwrap(),
                    _ => 1,
                }
            }
        }
    }
    assert!(open.is_empty(), "no call is left open: {open:?}");
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_has_one_pair_that_says_how_it_ended(
        steps in proptest::collection::vec(step(), 0..60),
        cuts in proptest::collection::vec(1_usize..200, 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bench = Bench::new();
        let expected = runtime.block_on(play(&bench, &steps, &cuts));
        prop_assert_eq!(recorded(&bench.records()), expected);
    }
}
