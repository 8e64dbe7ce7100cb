//! Invariants of `sessions.rs`, by the numbers there.

use std::sync::Arc;
use std::time::Duration;

use super::rig::Rig;
use crate::capture::mcp::correlate::{Correlator, Exchange, ExchangeEnd, MessageOrigin, Session};
use crate::capture::mcp::http::server::Sessions;
use crate::capture::mcp::message::{Id, IdKind, Message};
use crate::trail::Direction;

struct Bench {
    rig: Rig,
    correlator: Correlator,
    sessions: Arc<Sessions>,
}

impl Bench {
    fn new(most: usize) -> Self {
        let rig = Rig::new();
        let core = rig.trail.core();
        Self { correlator: Correlator::new(core), sessions: Arc::new(Sessions::of_at_most(most, core)), rig }
    }

    /// A session with a call that waits, its exchange broken off.
    fn with_parked_call(&self, id: &str) -> Arc<Session> {
        let exchange = self.correlator.exchange(MessageOrigin::default());
        exchange.session().name(id);
        let session = exchange.session().clone();
        drop(self.sessions.begin(id, &session, ("/mcp", None)));
        ask(&exchange);
        exchange.close(ExchangeEnd::Complete);
        session
    }

    fn has(&self, id: &str) -> bool {
        self.sessions.enter(id).is_some()
    }

    fn count_of_evicted(&self) -> u64 {
        self.rig.trail.wire_counts().evicted_sessions
    }

    fn answers(&self) -> usize {
        self.rig.told().iter().filter(|told| told.contains("response")).count()
    }
}

fn ask(exchange: &Exchange) {
    let id = Id { kind: IdKind::Integer, text: "1".into(), rest: 0 };
    let message = Message { id: Some(id), method: Some("tools/call".into()), ..Message::default() };
    exchange.see(Direction::ClientToServer, message);
}

/// 1.
#[test]
fn nobody_enters_what_was_not_begun() {
    let bench = Bench::new(2);
    assert!(!bench.has("made-up"));
    bench.with_parked_call("one");
    assert!(bench.has("one"));
    assert!(!bench.has("two"));
}

/// 2.
#[test]
fn one_too_many_closes_the_one_that_was_used_longest_ago() {
    let bench = Bench::new(3);
    for id in ["one", "two", "three"] {
        bench.with_parked_call(id);
    }
    let open = bench.sessions.enter("one").unwrap();
    assert!(bench.has("two"));
    bench.with_parked_call("four");
    assert!(!bench.has("three"), "used longest ago but for one, which is open");
    assert!(bench.has("one") && bench.has("two") && bench.has("four"));
    assert_eq!((bench.count_of_evicted(), bench.answers()), (1, 1), "its call got no answer");
    drop(open);
    let all: Vec<_> = ["one", "two", "four"].iter().map(|id| bench.sessions.enter(id).unwrap()).collect();
    bench.with_parked_call("five");
    assert_eq!(bench.count_of_evicted(), 2, "something is open in all: the oldest goes");
    assert!(!bench.has("one") && bench.has("five"));
    drop(all);
}

/// 3.
#[test]
fn whoever_leaves_is_closed() {
    let bench = Bench::new(9);
    bench.with_parked_call("ended");
    bench.sessions.enter("ended").unwrap().end(None);
    assert!(!bench.has("ended"));
    assert_eq!(bench.answers(), 1);

    bench.with_parked_call("same");
    let before = bench.sessions.enter("same").unwrap();
    bench.with_parked_call("same");
    assert_eq!(bench.answers(), 2, "an id that is issued again is another session");
    before.end(None);
    assert!(bench.has("same"), "of which the old one knows nothing");

    drop(before);
    let Bench { rig, sessions, .. } = bench;
    drop(sessions);
    assert_eq!(rig.told().iter().filter(|told| told.contains("no_response")).count(), 3);
}

#[test]
fn what_waits_too_long_is_given_up() {
    let bench = Bench::new(9);
    bench.with_parked_call("waits");
    bench.rig.clock.go_on(Duration::from_secs(599));
    bench.sessions.sweep();
    assert_eq!(bench.answers(), 0);
    bench.rig.clock.go_on(Duration::from_secs(32));
    bench.sessions.sweep();
    assert_eq!(bench.answers(), 1);
    assert!(bench.has("waits"), "the session goes on");
    let open = bench.sessions.enter("waits").unwrap();
    bench.rig.clock.go_on(Duration::from_secs(2 * 86_400));
    bench.sessions.sweep();
    assert!(bench.has("waits"), "something is open in it");
    drop(open);
    bench.sessions.sweep();
    assert!(bench.has("waits"), "it was used just now");
    bench.rig.clock.go_on(Duration::from_secs(86_401));
    bench.sessions.sweep();
    assert!(!bench.has("waits"));
}
