//! Invariants 4 and 5.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::Trail;
use crate::config::Environment;
use crate::identity::{Sender as MessageSender, UnverifiedReason};
use crate::policy::Decision;

/// A handler finds out more: the reason why a call is denied is that of the actor whom its records name.
#[cfg(feature = "rmcp")]
#[test]
fn whoever_is_only_named_by_then_is_denied_as_asserted() {
    let directory = tempfile::tempdir().unwrap();
    let builder = Trail::builder("gate").directory(directory.path()).environment(Environment::default());
    let trail = builder.classify(|_| Class::default().requires_verified_actor()).start().unwrap();
    let mut call = Call::mcp("tools/call").tool("pay");
    let (gate, _) = ActorGate::open(trail.core(), &mut call, false);
    let state = CallState::new(EventName::McpToolsCall, None);
    state.learn(trail.core().truncator(), call.message.attributes.clone());
    let reason = |state: &CallState| state.facts().text_of(names::AUDITRAIL_DECISION_REASON).map(ToOwned::to_owned);
    assert_eq!(reason(&state).as_deref(), Some("anonymous"));
    gate.learn(trail.core(), Standing::Asserted, &state);
    assert_eq!(reason(&state).as_deref(), Some("asserted"));
    assert!(gate.refusal().unwrap().reason.contains("asserted"));
    assert_eq!(gate.untold(true).unwrap().0.reason.as_deref(), Some("asserted"));
    gate.learn(trail.core(), Standing::Verified, &state);
    assert!(gate.refusal().is_some(), "it was told");
}

/// The hook decides while somebody else asks: that one waits, and gets the decision.
#[test]
fn whoever_asks_while_the_actor_is_settled_gets_the_decision() {
    let directory = tempfile::tempdir().unwrap();
    let ((is_asked, asked), (go, goes)) = (channel(), channel());
    let hook = Mutex::new((is_asked, goes));
    let builder = Trail::builder("gate").directory(directory.path()).environment(Environment::default());
    let trail = builder.authorize(move |_| answer(&hook.lock().unwrap())).start().unwrap();
    let core = trail.core();

    let mut call = Call::mcp("tools/call").tool("pay");
    let unknown = Actor { unverified: Some(UnverifiedReason::KeyUnavailable), ..Actor::asserted("ada") };
    let sender = Arc::new(MessageSender::default());
    call.message.pending = PendingActor::of(&unknown, &sender, "tools/call").map(Box::new);
    let class = Class::default().requires_verified_actor();
    let pending = call.message.pending.take().map(|pending| *pending).unwrap();
    let deferred = Some(Box::new(call.clone()));
    let gate = ActorGate::of(GateState { pending: Some(Pending { actor: pending, deferred }), ..GateState::default() });
    let state = CallState::new(EventName::McpToolsCall, None);

    let refusal = thread::scope(|threads| {
        threads.spawn(|| gate.settle(core, class, &state, Some(Actor::verified("ada"))));
        asked.recv().unwrap();
        let (begin, begins) = channel();
        let gate = &gate;
        let other = threads.spawn(move || {
            begin.send(()).unwrap();
            gate.refusal()
        });
        begins.recv().unwrap();
        // Without the mend it is through by now: long enough to fail often, and no time that a pass depends on.
        thread::sleep(std::time::Duration::from_millis(50));
        go.send(()).unwrap();
        other.join().unwrap()
    });
    assert_eq!(refusal.map(|refusal| refusal.reason), Some("not today".into()));
}

fn answer((is_asked, goes): &(Sender<()>, Receiver<()>)) -> Decision {
    is_asked.send(()).unwrap();
    goes.recv().unwrap();
    Decision::deny("not today")
}
