//! Whether a call may run with the actor that it has.
//!
//! Invariants:
//! 1. Only whoever may hold the call waits for an actor that is not known yet ([`Opener`](super::open_call::Opener)): its request
//!    record waits with it, so both records name the same actor. All others record the actor as it is.
//! 2. The actor is settled once: by the end of the waiting, or by the end of the call.
//! 3. The `authorize` hook is asked once, with the actor that the records name.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::identity::{Actor, PendingActor, Standing};
use crate::locks::{Mutex, MutexGuard};
use crate::policy::Decision;
use crate::record::{Attributes, names};
use crate::trail::calls::{Call, CallState, Class, MessageFacts, RefusalKind};
use crate::trail::core::Core;
use crate::trail::recording::RETRY_INTERVAL;
use crate::trail::timer::within;

/// What is known of the actor of a call, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct ActorGate(Mutex<GateState>);

#[derive(Debug, Default)]
struct GateState {
    standing: Standing,
    denied: Option<Denial>,
    pending: Option<Pending>,
}

/// Why a call must not run.
#[derive(Debug, Clone)]
pub(super) struct Denial {
    pub(super) reason: Cow<'static, str>,
    pub(super) kind: RefusalKind,
}

/// An actor that may become known.
#[derive(Debug)]
struct Pending {
    actor: PendingActor,
    /// The call, if its request record waits for the actor.
    deferred: Option<Box<Call>>,
}

impl ActorGate {
    /// Decides about a call that is being opened, as far as its actor is known. With `holds`, its request record may wait for
    /// that.
    pub(super) fn open(core: &Core, call: &mut Call, holds: bool) -> (Self, Class) {
        if let Some(sender) = call.message.asked_of.take().filter(|_| call.text(names::AUDIT_ACTOR_ID).is_none()) {
            let method = call.method().unwrap_or_default().to_owned();
            call.message = std::mem::take(&mut call.message).sent_by(core.chain(), &sender, &method);
        }
        let Some(pending) = call.message.pending.take().map(|pending| *pending) else {
            let denied = decide(core, call);
            let class = core.class(call);
            let denied = denied.or_else(|| unverified(class, &mut call.message));
            return (Self::of(GateState { standing: call.message.standing, denied, pending: None }), class);
        };
        let class = core.class(call);
        if class.requires_verified_actor && holds {
            let pending = Pending { actor: pending, deferred: Some(Box::new(call.clone())) };
            return (Self::of(GateState { pending: Some(pending), ..GateState::default() }), class);
        }
        call.message = std::mem::take(&mut call.message).actor(pending.found.clone());
        let denied = decide(core, call);
        let pending = class.requires_verified_actor.then_some(Pending { actor: pending, deferred: None });
        (Self::of(GateState { standing: call.message.standing, denied, pending }), class)
    }

    fn of(state: GateState) -> Self {
        Self(Mutex::new(state))
    }

    /// Why the call must not run.
    pub(super) fn denied(&self) -> Option<Denial> {
        self.state().denied.clone()
    }

    pub(super) fn standing(&self) -> Standing {
        self.state().standing
    }

    /// Somebody has found out more: a denial for want of that is none any more.
    #[cfg(feature = "rmcp")]
    pub(super) fn learn(&self, standing: Standing, call: &CallState) {
        let mut state = self.state();
        state.standing = standing;
        let is_for_want_of_it = |denied: &mut Denial| denied.kind == RefusalKind::Unverified;
        if standing == Standing::Verified && state.denied.take_if(is_for_want_of_it).is_some() {
            call.forget(&DECISION);
        }
    }

    /// Whether the request record of the call waits for the actor.
    pub(super) fn is_deferred(&self) -> bool {
        self.state().pending.as_ref().is_some_and(|pending| pending.deferred.is_some())
    }

    /// Waits until the actor is known, no longer than the class of the call allows.
    pub(super) async fn wait(&self, core: &Core, class: Class, state: &CallState) {
        let Some(pending) = self.state().pending.as_ref().map(|pending| pending.actor.clone()) else { return };
        let actor = known(core, &pending, class.deadline).await;
        self.settle(core, class, state, Some(actor));
    }

    /// Takes the actor that was found last, or the one that was found first.
    pub(super) fn settle(&self, core: &Core, class: Class, state: &CallState, actor: Option<Actor>) {
        let Some(Pending { actor: pending, deferred }) = self.state().pending.take() else { return };
        let actor = actor.unwrap_or(pending.found);
        let standing = actor.standing();
        let (learnt, denied) = match deferred {
            Some(call) => {
                let mut call = call.actor(actor);
                let denied = decide(core, &mut call).or_else(|| unverified(class, &mut call.message));
                let mut learnt = Attributes::default();
                learnt.take_over(&call.message.attributes, |key| !state.facts().is_captured(key));
                (learnt, denied)
            }
            None => {
                let mut facts = MessageFacts::default().actor(actor);
                let denied = unverified(class, &mut facts);
                (facts.attributes, denied)
            }
        };
        state.learn(core.truncator(), learnt);
        let mut gate = self.state();
        gate.standing = standing;
        if gate.denied.is_none() {
            gate.denied = denied;
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.0.lock()
    }
}

/// Asks the `authorize` hook, and notes its answer.
fn decide(core: &Core, call: &mut Call) -> Option<Denial> {
    match core.hooks().authorize(core.notices(), call) {
        Decision::Allow => None,
        Decision::Deny { reason, rule } => {
            call.message.attributes.set(names::AUDITRAIL_DECISION, "deny");
            call.message.attributes.set(names::AUDITRAIL_DECISION_REASON, reason.clone());
            call.message.attributes.set_some(names::SECURITY_RULE_NAME, rule);
            Some(Denial { reason, kind: RefusalKind::Denied })
        }
    }
}

/// Denies a call whose class requires a verified actor, unless it has one.
fn unverified(class: Class, message: &mut MessageFacts) -> Option<Denial> {
    let standing = message.standing;
    if !class.requires_verified_actor || matches!(standing, Standing::Verified | Standing::Server) {
        return None;
    }
    let reason = standing.as_str();
    message.attributes.set(names::AUDITRAIL_DECISION, "deny");
    message.attributes.set(names::AUDITRAIL_DECISION_REASON, reason);
    message.attributes.set(names::SECURITY_RULE_NAME, RULE);
    let text = format!("its class requires a verified actor, and this one is not ({reason})");
    Some(Denial { reason: text.into(), kind: RefusalKind::Unverified })
}

/// The actor once it is known, or as it is when the time is over.
async fn known(core: &Core, pending: &PendingActor, limit: Duration) -> Actor {
    let (chain, begun) = (core.chain(), Instant::now());
    loop {
        // Before it is asked: a change in between must not be missed.
        let changed = chain.changed(pending.found.source.as_deref());
        let actor = pending.again(chain);
        let left = limit.saturating_sub(begun.elapsed());
        let Some(changed) = changed.filter(|_| actor.may_become_known() && !left.is_zero()) else { return actor };
        if within(left, changed).await.is_ok() && pending.again(chain).may_become_known() {
            // What has changed was something else: not again at the same moment.
            let _over = within(left.min(RETRY_INTERVAL), std::future::pending::<()>()).await;
        }
    }
}

/// What is said of a denial.
#[cfg(feature = "rmcp")]
const DECISION: [&str; 3] = [names::AUDITRAIL_DECISION, names::AUDITRAIL_DECISION_REASON, names::SECURITY_RULE_NAME];
/// `security_rule.name` of such a refusal.
const RULE: &str = "requires_verified_actor";
