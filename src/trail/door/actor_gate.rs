//! Whether a call may run with the actor that it has.
//!
//! Invariants:
//! 1. Only whoever may hold the call waits for an actor that is not known yet ([`Opener`](super::open_call::Opener)): its request
//!    record waits with it, so both records name the same actor. All others record the actor as it is.
//! 2. The actor is settled once: by the end of the waiting, or by the end of the call.
//! 3. The `authorize` hook is asked once, with the actor that the records name.
//! 4. A decision is told once. A refusal for want of a verified actor is told when somebody acts on it, or when the call ends:
//!    until then a handler may find out who acts.
//! 5. While the actor is settled, which asks the hook, whoever wants to know the decision waits: there is no moment in which a
//!    call is neither undecided nor decided.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::decision;
use crate::identity::{Actor, PendingActor, Standing};
use crate::locks::{Mutex, MutexGuard};
use crate::policy::{Ruling, Verdict};
use crate::record::{Attributes, EventName, names};
use crate::trail::calls::{Call, CallState, Class, MessageFacts, RefusalKind};
use crate::trail::core::Core;
use crate::trail::recording::RETRY_INTERVAL;
use crate::trail::timer::within;

/// What is known of the actor of a call, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct ActorGate {
    state: Mutex<GateState>,
    /// Held while the actor is settled.
    settling: Mutex<()>,
}

#[derive(Debug, Default)]
struct GateState {
    is_settling: bool,
    standing: Standing,
    decided: Option<Decided>,
    pending: Option<Pending>,
}

/// What was decided about a call.
#[derive(Debug, Clone)]
struct Decided {
    ruling: Ruling,
    /// Why it must not run.
    refusal: Option<Refusal>,
    is_told: bool,
    /// What the hook decided, if it let the call run and the class does not.
    #[cfg_attr(not(feature = "rmcp"), allow(dead_code, reason = "only a handler finds out who acts"))]
    allowed: Option<Box<Ruling>>,
}

/// Why a call must not run.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
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
            let mut decided = decide(core, call);
            let class = class_of(core, call);
            refuse_unverified(&mut decided, class, &mut call.message);
            return (Self::of(GateState { standing: call.message.standing, decided, ..GateState::default() }), class);
        };
        let class = class_of(core, call);
        if class.requires_verified_actor && holds {
            let pending = Pending { actor: pending, deferred: Some(Box::new(call.clone())) };
            // What is kept of it may depend on the actor.
            call.treated = None;
            return (Self::of(GateState { pending: Some(pending), ..GateState::default() }), class);
        }
        call.message = std::mem::take(&mut call.message).actor(pending.found.clone());
        Core::treat_again(call);
        let decided = decide(core, call);
        let pending = class.requires_verified_actor.then_some(Pending { actor: pending, deferred: None });
        (Self::of(GateState { standing: call.message.standing, decided, pending, is_settling: false }), class)
    }

    fn of(state: GateState) -> Self {
        Self { state: Mutex::new(state), settling: Mutex::default() }
    }

    /// Why the call must not run.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.settled().decided.as_ref()?.refusal.clone()
    }

    /// The decision that lets the call run, if somebody made one.
    pub(super) fn allowance(&self) -> Option<Ruling> {
        let state = self.settled();
        state.decided.as_ref().filter(|decided| decided.refusal.is_none()).map(|decided| decided.ruling.clone())
    }

    /// The decision, if it has still to be told: at once the answer of the hook, when the call is refused or ends any.
    pub(super) fn untold(&self, is_acted_on: bool) -> Option<(Ruling, &'static str)> {
        let mut state = self.settled();
        let decided = state.decided.as_mut()?;
        let source = decided.source();
        if decided.is_told || (source == CLASS && !is_acted_on) {
            return None;
        }
        decided.is_told = true;
        Some((decided.ruling.clone(), source))
    }

    pub(super) fn standing(&self) -> Standing {
        self.settled().standing
    }

    /// Somebody has found out more. A denial for want of a verified actor is none any more, or has another reason.
    #[cfg(feature = "rmcp")]
    pub(super) fn learn(&self, core: &Core, standing: Standing, call: &CallState) {
        let mut state = self.settled();
        state.standing = standing;
        let is_for_want_of_it = |decided: &mut Decided| decided.source() == CLASS && !decided.is_told;
        let Some(denied) = state.decided.take_if(is_for_want_of_it) else { return };
        call.forget(DECISION);
        if standing == Standing::Verified {
            state.decided = denied.allowed.map(|ruling| Decided::new(*ruling));
            return;
        }
        let mut said = Attributes::default();
        state.decided = Some(Decided::unverified(standing, denied.allowed, &mut said));
        call.learn(core.truncator(), said);
    }

    /// Whether the request record of the call waits for the actor.
    pub(super) fn is_deferred(&self) -> bool {
        self.settled().pending.as_ref().is_some_and(|pending| pending.deferred.is_some())
    }

    /// Waits until the actor is known, no longer than the class of the call allows.
    pub(super) async fn wait(&self, core: &Core, class: Class, state: &CallState) {
        let Some(pending) = self.settled().pending.as_ref().map(|pending| pending.actor.clone()) else { return };
        let actor = known(core, &pending, class.deadline).await;
        self.settle(core, class, state, Some(actor));
    }

    /// Takes the actor that was found last, or the one that was found first.
    pub(super) fn settle(&self, core: &Core, class: Class, state: &CallState, actor: Option<Actor>) {
        let _alone = self.settling.lock();
        let Some(Pending { actor: pending, deferred }) = self.begin_settling() else { return };
        let settling = Settling(self);
        let mut found = Attributes::default();
        pending.found.clone().write(&mut found);
        let actor = actor.unwrap_or(pending.found);
        let standing = actor.standing();
        let mut decided = self.state().decided.take();
        let learnt = match deferred {
            Some(call) => {
                let mut call = call.actor(actor);
                Core::treat_again(&mut call);
                call.treated.take().into_iter().for_each(|treated| state.treat(treated));
                decided = decide(core, &mut call);
                refuse_unverified(&mut decided, class, &mut call.message);
                let mut learnt = Attributes::default();
                learnt.take_over(&call.message.attributes, |key| !state.facts().is_captured(key));
                learnt
            }
            None => {
                let mut facts = MessageFacts::default().actor(actor);
                refuse_unverified(&mut decided, class, &mut facts);
                // An actor replaces another one with all of its facts: the reason why the first was not verified goes.
                state.forget(found.iter().map(|(key, _)| key));
                facts.attributes
            }
        };
        state.learn(core.truncator(), learnt);
        let mut gate = self.state();
        (gate.standing, gate.decided) = (standing, decided);
        drop(gate);
        drop(settling);
    }

    fn begin_settling(&self) -> Option<Pending> {
        let mut state = self.state();
        let pending = state.pending.take()?;
        state.is_settling = true;
        Some(pending)
    }

    /// The state, when nobody is settling the actor.
    fn settled(&self) -> MutexGuard<'_, GateState> {
        loop {
            let state = self.state();
            if !state.is_settling {
                return state;
            }
            drop(state);
            drop(self.settling.lock());
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock()
    }
}

/// Exists while the actor is settled; its end lets others on, even if a panic has ended the settling.
struct Settling<'a>(&'a ActorGate);

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.0.state().is_settling = false;
    }
}

impl Decided {
    fn new(ruling: Ruling) -> Self {
        let refusal = decision::refusal(&ruling).map(|(reason, kind)| Refusal { reason, kind });
        Self { ruling, refusal, is_told: false, allowed: None }
    }

    /// The denial of a call whose class requires a verified actor. What the hook decided before is kept.
    fn unverified(standing: Standing, allowed: Option<Box<Ruling>>, said: &mut Attributes) -> Self {
        let reason = standing.as_str();
        let ruling = Ruling { reason: Some(reason.into()), rule: Some(RULE.into()), ..Ruling::new(Verdict::Deny) };
        decision::write(&ruling, CLASS, |name, value| said.set(name, value));
        let text = format!("its class requires a verified actor, and this one is not ({reason})");
        let refusal = Refusal { reason: text.into(), kind: RefusalKind::Unverified };
        Self { ruling, refusal: Some(refusal), is_told: false, allowed }
    }

    /// Who decided.
    fn source(&self) -> &'static str {
        let is_of_class = |refusal: &Refusal| refusal.kind == RefusalKind::Unverified;
        if self.refusal.as_ref().is_some_and(is_of_class) { CLASS } else { decision::AUTHORIZE }
    }
}

/// Asks the `authorize` hook, and notes its answer.
fn decide(core: &Core, call: &mut Call) -> Option<Decided> {
    decision::ask(core, call).map(Decided::new)
}

/// The class of a call, with what the policy says of it. An HTTP request without a call has been answered when it is recorded, so
/// nobody can be refused.
fn class_of(core: &Core, call: &mut Call) -> Class {
    let class = core.treat(call);
    Class { requires_verified_actor: class.requires_verified_actor && call.event != EventName::HttpRequest, ..class }
}

/// Refuses a call whose class requires a verified actor, unless it has one or is refused already.
fn refuse_unverified(decided: &mut Option<Decided>, class: Class, message: &mut MessageFacts) {
    let standing = message.standing;
    let is_good = matches!(standing, Standing::Verified | Standing::Server);
    let is_refused = decided.as_ref().is_some_and(|decided| decided.refusal.is_some());
    if !class.requires_verified_actor || is_good || is_refused {
        return;
    }
    let allowed = decided.take().map(|allowed| Box::new(allowed.ruling));
    *decided = Some(Decided::unverified(standing, allowed, &mut message.attributes));
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
const DECISION: [&str; 4] = [
    names::AUDITRAIL_DECISION,
    names::AUDITRAIL_DECISION_SOURCE,
    names::AUDITRAIL_DECISION_REASON,
    names::SECURITY_RULE_NAME,
];
/// `auditrail.decision.source` of a refusal for want of a verified actor.
const CLASS: &str = "class";
/// `security_rule.name` of such a refusal.
const RULE: &str = "requires_verified_actor";
