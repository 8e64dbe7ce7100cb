//! Calls whose ids are the same, or the same to some server; calls without one; and calls that are cancelled.

use auditrail::record::{Record, names};
use proptest::prelude::*;

use crate::support::{Bench, ending};
use crate::tapped::Wire;

fn call(id: &str, tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

fn ok(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#)
}

fn failed(id: &str, code: i64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":""}}}}"#)
}

fn cancel(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
}

/// The response of the one call of that tool: status, detail, `error.type` and code.
fn end(records: &[Record], tool: &str) -> [String; 4] {
    let of_it = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool));
    let (requests, responses): (Vec<_>, Vec<_>) = of_it.partition(|record| ending(record).0 == "request");
    assert_eq!((requests.len(), responses.len()), (1, 1), "one pair for {tool}");
    [names::AUDIT_OUTCOME, names::AUDITRAIL_OUTCOME_DETAIL, names::ERROR_TYPE, names::RPC_RESPONSE_STATUS_CODE]
        .map(|name| responses[0].text(name).unwrap_or_default().to_owned())
}

const AMBIGUOUS: [&str; 4] = ["unknown", "", "ambiguous_id", ""];
const OK: [&str; 4] = ["success", "ok", "", ""];

#[tokio::test]
async fn of_two_open_calls_with_one_id_neither_gets_the_outcome_of_the_other() {
    for (first, second) in [("1", "1"), ("1", r#""1""#), ("1", "1.0"), ("9007199254740993", "9007199254740992")] {
        for (one, other) in [(first, second), (second, first)] {
            let bench = Bench::new();
            let mut wire = Wire::new(&bench.trail);
            wire.client(&call(one, "deletes")).await;
            wire.client(&call(other, "lists")).await;
            wire.server(&failed(second, -32000)).await;
            // The other answer is still to come: whose it is nobody knows either.
            wire.client(&call(one, "meanwhile")).await;
            wire.server(&ok(second)).await;
            wire.server(&ok(second)).await;
            // All have come.
            wire.client(&call(one, "later")).await;
            wire.server(&ok(one)).await;
            drop(wire);
            let records = bench.records();
            for tool in ["deletes", "lists", "meanwhile"] {
                assert_eq!(end(&records, tool), AMBIGUOUS, "{one}, {other}: {tool}");
            }
            assert_eq!(end(&records, "later"), OK, "{one}, {other}");
        }
    }
}

/// The same for what the server asks its client.
#[tokio::test]
async fn a_server_that_asks_twice_with_one_id_gets_no_outcome_twice() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for method in ["roots/list", "sampling/createMessage"] {
        wire.server(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#)).await;
    }
    wire.client(&call("1", "own")).await;
    wire.client(&ok(r#""1""#)).await;
    wire.server(&ok("1")).await;
    wire.client(&failed("1", -1)).await;
    drop(wire);
    let records = bench.records();
    for method in ["roots/list", "sampling/createMessage"] {
        let of_it = records.iter().filter(|record| record.text(names::MCP_METHOD_NAME) == Some(method));
        let types: Vec<_> = of_it.map(|record| record.text(names::ERROR_TYPE).unwrap_or_default()).collect();
        assert_eq!(types, ["", "ambiguous_id"], "{method}");
    }
    assert_eq!(end(&records, "own"), OK, "the client's ids are others");
}

#[tokio::test]
async fn ids_that_readers_round_find_their_answers_where_no_other_may_be_meant() {
    for (asked, answered) in [
        ("9007199254740993", "9007199254740992"),
        ("9007199254740993", "9.007199254740992e+15"),
        ("9007199254740993", r#""9.007199254740992e+15""#),
        ("1152921504606846977", "1152921504606847000"),
        ("1e0", "1"),
        ("1.0", r#""1""#),
    ] {
        let bench = Bench::new();
        let mut wire = Wire::new(&bench.trail);
        wire.client(&call("9007199254740995", "another")).await;
        wire.client(&call(asked, "big")).await;
        wire.server(&ok(answered)).await;
        wire.server(&failed("9007199254740995", -5)).await;
        drop(wire);
        let records = bench.records();
        assert_eq!(end(&records, "big"), OK, "{asked} {answered}");
        assert_eq!(end(&records, "another")[3], "-5", "{asked} {answered}");
    }
}

#[tokio::test]
async fn a_call_without_an_id_is_a_call_that_wants_no_answer() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"deletes"}}"#).await;
    wire.client(
        r#"[{"method":"tools/call","params":{"name":"batched"}},{"jsonrpc":"2.0","method":"notifications/x"}]"#,
    )
    .await;
    wire.server(r#"{"jsonrpc":"2.0","method":"sampling/createMessage"}"#).await;
    // Nothing more comes for what stands before an answered call.
    wire.client(&call("7", "answered")).await;
    wire.server(&ok("7")).await;
    wire.client(&call("null", "null")).await;
    // It belongs to what has an id.
    wire.server(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":""}}"#).await;
    drop(wire);
    let records = bench.records();
    for tool in ["deletes", "batched"] {
        assert_eq!(end(&records, tool), ["unknown", "no_response", "no_id", ""], "{tool}");
    }
    assert_eq!(end(&records, "null")[1], "jsonrpc_error");
    let asked = |record: &&Record| record.text(names::MCP_METHOD_NAME) == Some("sampling/createMessage");
    assert_eq!(records.iter().filter(asked).count(), 2, "a server's, too");
    let moments = records.iter().filter(|record| record.event_name == "auditrail.mcp.notification").count();
    assert_eq!(moments, 1, "what has the name of a notification is one");
}

#[tokio::test]
async fn the_answer_that_comes_after_a_cancellation_decides() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    let both = |id: &str, tool: &str| format!("{}\n{}", call(id, tool), cancel(id));
    for (id, tool) in [("1", "answered"), ("2", "failed"), ("3", "stopped"), ("4", "silent"), ("5", "wrong")] {
        wire.client(&both(id, tool)).await;
    }
    wire.client(&format!("[{},{}]", call("6", "batched"), cancel("6"))).await;
    wire.server(&ok("1")).await;
    wire.server(r#"{"jsonrpc":"2.0","id":2,"result":{"isError":true,"content":[]}}"#).await;
    // What the Python SDK 1.x answers cancellations with, and mcp-go.
    wire.server(&failed("3", 0)).await;
    wire.server(&failed("5", -32602)).await;
    wire.server(&ok("6")).await;
    drop(wire);
    let records = bench.records();
    for (tool, expected) in [
        ("answered", OK),
        ("failed", ["failure", "tool_error", "tool_error", ""]),
        ("stopped", ["unknown", "cancelled", "", "0"]),
        ("silent", ["unknown", "cancelled", "", ""]),
        ("wrong", ["failure", "jsonrpc_error", "-32602", "-32602"]),
        ("batched", OK),
    ] {
        assert_eq!(end(&records, tool), expected, "{tool}");
    }
}

#[tokio::test]
async fn of_two_calls_with_one_id_nobody_knows_which_was_cancelled() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&call("1", "deletes")).await;
    wire.client(&call("1", "lists")).await;
    wire.client(&cancel("1")).await;
    drop(wire);
    let records = bench.records();
    assert_eq!([end(&records, "deletes"), end(&records, "lists")], [AMBIGUOUS, AMBIGUOUS]);
}

/// Which of two calls that cannot be named an error without an id is for is not known either.
#[tokio::test]
async fn an_error_without_an_id_is_for_the_only_call_that_it_may_be_for() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&call("null", "deletes")).await;
    wire.client(&call("1.5", "lists")).await;
    wire.server(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":""}}"#).await;
    drop(wire);
    let records = bench.records();
    assert_eq!([end(&records, "deletes"), end(&records, "lists")], [AMBIGUOUS, AMBIGUOUS]);
}

/// What happens, of which the server alone knows whose answer is whose.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody asks, with an id of that family, written in that way.
    Asks { from_client: bool, family: usize, way: usize },
    /// One of the calls that have no answer yet gets one, whose id is written as some server does.
    Answers { which: prop::sample::Index, way: usize },
    /// One of the calls is cancelled by who has asked, answered or not.
    Cancels { which: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>();
    prop_oneof![
        3 => (any::<bool>(), 0..FAMILIES.len(), 0..3_usize)
            .prop_map(|(from_client, family, way)| Step::Asks { from_client, family, way }),
        3 => (index.clone(), 0..3_usize).prop_map(|(which, way)| Step::Answers { which, way }),
        1 => index.prop_map(|which| Step::Cancels { which }),
    ]
}

/// Ids as they are asked with, and how servers answer them: as they came, as the other type, through a double. Those of one
/// family may be taken for each other.
const FAMILIES: [&[[&str; 4]]; 3] = [
    &[["1", "1", r#""1""#, "1.0"], [r#""1""#, r#""1""#, "1", "1"], ["1.0", "1.0", r#""1.0""#, "1"]],
    &[
        ["9007199254740993", "9007199254740993", r#""9007199254740993""#, "9007199254740992"],
        ["9007199254740992", "9007199254740992", r#""9007199254740992""#, "9.007199254740992e15"],
    ],
    &[[r#""a""#, r#""a""#, r#""\u0061""#, r#""a""#]],
];

/// What the server knows of a call.
#[derive(Debug)]
struct Truth {
    from_client: bool,
    family: usize,
    forms: [&'static str; 4],
    asked: usize,
    answered: Option<usize>,
    is_cancelled: bool,
    /// It was cancelled before it was answered, or while others had its id.
    was_cancelled_open: bool,
}

impl Truth {
    /// Both are unanswered at some time, and somebody may take them for each other.
    fn overlaps(&self, other: &Self) -> bool {
        let is_alike = self.from_client == other.from_client && self.family == other.family;
        let before = |one: &Self, other: &Self| one.answered.is_some_and(|answered| answered < other.asked);
        is_alike && !before(self, other) && !before(other, self)
    }

    fn code(at: usize) -> i64 {
        -1000 - i64::try_from(at).unwrap()
    }
}

async fn play(bench: &Bench, steps: &[Step]) -> Vec<Truth> {
    let (mut wire, mut calls) = (Wire::new(&bench.trail), Vec::<Truth>::new());
    for (time, step) in steps.iter().enumerate() {
        let (from_client, line) = match step {
            Step::Asks { from_client, family, way } => {
                let forms = FAMILIES[*family][way % FAMILIES[*family].len()];
                let line = call(forms[0], &format!("tool-{}", calls.len()));
                calls.push(Truth {
                    from_client: *from_client,
                    family: *family,
                    forms,
                    asked: time,
                    answered: None,
                    is_cancelled: false,
                    was_cancelled_open: false,
                });
                (*from_client, line)
            }
            Step::Answers { which, way } => {
                let open: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].answered.is_none()).collect();
                if open.is_empty() {
                    continue;
                }
                let at = open[which.index(open.len())];
                calls[at].answered = Some(time);
                (!calls[at].from_client, failed(calls[at].forms[1 + way], Truth::code(at)))
            }
            Step::Cancels { which } => {
                if calls.is_empty() {
                    continue;
                }
                let at = which.index(calls.len());
                calls[at].is_cancelled = true;
                calls[at].was_cancelled_open |= calls[at].answered.is_none();
                (calls[at].from_client, cancel(calls[at].forms[0]))
            }
        };
        if from_client {
            wire.client(&line).await;
        } else {
            wire.server(&line).await;
        }
    }
    drop(wire);
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// No pair carries an outcome that its call did not get; and where no other call can be meant, it carries its own.
    #[test]
    fn no_call_gets_what_was_another_s(steps in proptest::collection::vec(step(), 0..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bench = Bench::new();
        let calls = runtime.block_on(play(&bench, &steps));
        let records = bench.records();
        for (at, truth) in calls.iter().enumerate() {
            let [outcome, detail, kind, code] = end(&records, &format!("tool-{at}"));
            let own = truth.answered.map(|_| Truth::code(at).to_string());
            prop_assert!(code.is_empty() || Some(&code) == own.as_ref(), "{at} got the answer of another: {code}");
            prop_assert!(outcome != "success", "nobody succeeded");
            let alike = |other: &Truth| other.from_client == truth.from_client && other.family == truth.family;
            let somebody_cancelled = calls.iter().any(|other| alike(other) && other.is_cancelled);
            prop_assert!(detail != "cancelled" || somebody_cancelled, "{at} was never cancelled");
            let is_alone = calls.iter().enumerate().all(|(other, call)| other == at || !truth.overlaps(call));
            if !is_alone {
                continue;
            }
            match own {
                Some(own) => prop_assert_eq!(&code, &own, "{} has its own answer", at),
                None if truth.was_cancelled_open => prop_assert_eq!(&detail, "cancelled", "{}", at),
                None => prop_assert!(matches!(&*detail, "no_response" | "cancelled"), "{at}: {detail} {kind}"),
            }
        }
    }
}
