//! The indices beside the calls that they are of.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::super::message::IdKind;
use super::*;
use crate::Trail;
use crate::capture::mcp::correlate::pending_call::RequestKind;
use crate::config::{Environment, OtlpSettings};
use crate::record::Detail;
use crate::ship::{Accepted, Connector, ExportFuture, Sink};
use crate::trail::Opener;

#[derive(Debug, Clone, Copy)]
struct Null;

impl Connector for Null {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(*self))
    }
}

impl Sink for Null {
    fn export(&self, _: Bytes) -> ExportFuture<'_> {
        Box::pin(async { Ok(Accepted::default()) })
    }
}

/// What may be done to them, in one of a few exchanges.
#[derive(Debug, Clone)]
enum Step {
    Add { exchange: u64, id: usize, batch: Option<u64>, alternative: Option<u64>, is_odd: bool },
    Answer { exchange: u64, id: usize },
    Nameless { exchange: u64, reply: Reply },
    Other { exchange: u64 },
    Cancel { id: usize },
    Oldest,
    Leave { exchange: u64, stays: bool },
    Parked,
}

fn step() -> impl Strategy<Value = Step> {
    let few = || prop::option::of(1..3_u64);
    let add = (0..4_u64, 0..IDS.len(), few(), few(), any::<bool>());
    let reply = prop_oneof![Just(Reply::Line), Just(Reply::Body), Just(Reply::HttpError)];
    prop_oneof![
        8 => add.prop_map(|(exchange, id, batch, alternative, is_odd)| Step::Add { exchange, id, batch, alternative, is_odd }),
        4 => (0..4_u64, 0..IDS.len()).prop_map(|(exchange, id)| Step::Answer { exchange, id }),
        2 => (0..4_u64, reply).prop_map(|(exchange, reply)| Step::Nameless { exchange, reply }),
        1 => (0..4_u64).prop_map(|exchange| Step::Other { exchange }),
        1 => (0..IDS.len()).prop_map(|id| Step::Cancel { id }),
        1 => Just(Step::Oldest),
        1 => (0..4_u64, any::<bool>()).prop_map(|(exchange, stays)| Step::Leave { exchange, stays }),
        1 => Just(Step::Parked),
    ]
}

const IDS: [(IdKind, &str); 4] =
    [(IdKind::Null, ""), (IdKind::Integer, "1"), (IdKind::String, "1"), (IdKind::Fraction, "1.5")];

fn id(at: usize) -> Id {
    let (kind, text) = IDS[at];
    Id { kind, text: text.to_owned(), rest: 0 }
}

fn played(pending: &mut Pending, trail: &Trail, step: &Step) {
    match *step {
        Step::Add { exchange, id: at, batch, alternative, is_odd } => {
            let call = Arc::new(OpenCall::open(trail.core(), Call::mcp("ping"), Opener::Observer));
            let server = exchange == 0;
            drop(pending.add(PendingCall {
                call,
                exchange,
                asked: RequestKind::Other,
                direction: if server { Direction::ServerToClient } else { Direction::ClientToServer },
                id: id(at),
                batch,
                alternative,
                is_held: false,
                claimed: false,
                is_unreadable: is_odd && at == 0 && !server,
                is_doubtful: is_odd,
                is_piece: is_odd && at == 1,
                is_one_way: false,
                serial: 0,
                close_cancels: false,
                cancelled: None,
                is_blurred: false,
                parked: None,
            }));
        }
        Step::Answer { exchange, id: at } => {
            if let AnswerMatch::Certain(calls) = pending.answered(exchange, false, Direction::ClientToServer, &id(at)) {
                calls.iter().for_each(|call| drop(pending.take_passed_over(exchange, call.serial)));
            }
        }
        Step::Nameless { exchange, reply } => drop(pending.nameless(exchange, reply)),
        Step::Other { exchange } => pending.note_other(exchange),
        Step::Cancel { id: at } => {
            let cancelled = Cancelled { at: 1, outcome: Outcome::of(Detail::Cancelled) };
            drop(pending.cancel(Direction::ClientToServer, &id(at), cancelled, |_| true));
        }
        Step::Oldest => drop(pending.take_oldest(1)),
        Step::Leave { exchange, stays } => {
            let fate =
                |waiting: &PendingCall| (!stays || waiting.is_unreadable).then(|| Outcome::of(Detail::NoResponse));
            drop(pending.leave(exchange, 1, fate));
        }
        Step::Parked => drop(pending.take_parked_before(2)),
    }
}

/// Each index has what a look at all calls finds.
fn assert_sound(pending: &Pending) {
    let scan = |which: &dyn Fn(&PendingCall) -> bool| -> BTreeSet<(u64, u64)> {
        pending.calls.values().filter(|call| which(call)).map(|call| (call.exchange, call.serial)).collect()
    };
    assert_eq!(pending.by_exchange.0, scan(&|_| true));
    let passing = scan(&|call| call.is_unreadable || call.is_blurred && !call.has_name());
    assert_eq!(pending.passing.0, passing);
    for exchange in 0..4 {
        let scanned = pending.calls.values().filter(|call| call.exchange == exchange).map(|call| call.serial);
        assert!(pending.by_exchange.of(exchange).eq(scanned), "in the order in which they were asked");
        let unread = pending.calls.values().filter(|call| call.exchange == exchange && call.is_unreadable);
        assert!(unread.map(|call| call.serial).all(|serial| pending.passing.of(exchange).any(|other| other == serial)));
    }
    let mut by_class: Vec<u64> = pending.by_class.values().flat_map(|sharing| sharing.open.iter().copied()).collect();
    by_class.sort_unstable();
    assert!(pending.calls.keys().eq(&by_class), "each has its class");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_has_what_a_look_at_all_calls_finds(steps in proptest::collection::vec(step(), 0..80)) {
        let directory = tempfile::tempdir().unwrap();
        let builder = Trail::builder("pending").environment(Environment::default());
        let trail = builder.directory(directory.path()).connector(Null).start().unwrap();
        let mut pending = Pending::default();
        for step in &steps {
            played(&mut pending, &trail, step);
            assert_sound(&pending);
        }
        // Nothing is left of what has ended.
        for exchange in 0..4 {
            drop(pending.leave(exchange, 1, |_| Some(Outcome::of(Detail::NoResponse))));
            assert_sound(&pending);
        }
        prop_assert!(pending.by_exchange.0.is_empty() && pending.passing.0.is_empty() && pending.other_traffic.is_empty());
    }
}
