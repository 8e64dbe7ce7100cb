//! Decisions about calls: asks the hook `authorize`, and writes a record of each decision.
//!
//! Invariants:
//! 1. The record of a decision belongs to the call: it has its id, its span and its facts.
//! 2. One who decides about a call leaves one record: the hook when the call begins, a server whose answer denies it when
//!    that answer ends the call. Allowed calls leave none unless that is switched on.
//! 3. The response half says what was decided. Where a denial could not be enforced, and where a server denied what was
//!    allowed here, it has the facts of the denial.

use std::borrow::Cow;

use crate::policy::{Ruling, Verdict};
use crate::record::{Detail, EventName, Outcome, Value, names};
#[cfg(any(feature = "layer", feature = "mcp"))]
use crate::trail::calls::Denial;
use crate::trail::calls::{Call, CallState, Moment, RefusalKind};
use crate::trail::core::Core;
use crate::trail::records::REQUEST_OUTCOME;

/// Asks whether a call may run, and says on the call if it may not. `None` if nobody decides.
pub(super) fn ask(core: &Core, call: &mut Call) -> Option<Ruling> {
    // An HTTP request without a call is recorded when it has been answered, so nothing is left to decide.
    if call.event == EventName::HttpRequest || !core.hooks().has_authorize() {
        return None;
    }
    let ruling = core.hooks().authorize(core.notices(), call).into_ruling();
    if ruling.verdict != Verdict::Allow {
        write(&ruling, AUTHORIZE, |name, value| call.message.attributes.set(name, value));
    }
    Some(ruling)
}

/// Why a call must not run, and by which kind of refusal.
pub(super) fn refusal(ruling: &Ruling) -> Option<(Cow<'static, str>, RefusalKind)> {
    let kind = match ruling.verdict {
        Verdict::Allow => return None,
        Verdict::Escalate => RefusalKind::Escalated,
        Verdict::Deny => RefusalKind::Denied,
    };
    Some((ruling.reason.clone().unwrap_or(Cow::Borrowed("no reason was given")), kind))
}

impl Core {
    /// Writes the record of a decision, if it has one.
    pub(super) fn write_ruling(&self, state: &CallState, ruling: &Ruling, source: &'static str) {
        let outcome = match ruling.verdict {
            Verdict::Allow if !self.hooks().records_allowed() => return,
            Verdict::Allow => Outcome::ok(),
            Verdict::Deny => Outcome::of(Detail::Denied),
            // Nobody knows yet.
            Verdict::Escalate => REQUEST_OUTCOME,
        };
        let mut moment = of_call(state, EventName::Authz).outcome(outcome);
        write(ruling, source, |name, value| moment.attributes.set(name, value));
        self.name_policy(state, &mut moment);
        self.write_moment(moment);
    }

    /// Says on the response half that the call was allowed.
    pub(super) fn note_allowed(&self, state: &CallState, ruling: &Ruling) {
        write(ruling, AUTHORIZE, |name, value| state.enrich(self.truncator(), &name.into(), value));
    }

    /// Writes the record of a denial that an answer shows, and says it on the response half, unless that says what was
    /// decided here.
    #[cfg(any(feature = "layer", feature = "mcp"))]
    pub(crate) fn write_denial(&self, state: &CallState, denial: &Denial, is_decided: bool) {
        let mut moment = of_call(state, denial.event()).outcome(denial.outcome());
        for name in [names::AUDITRAIL_POLICY_ID, names::AUDITRAIL_POLICY_DIGEST, names::AUDITRAIL_TARGET_ACTIONS] {
            if is_decided {
                moment.attributes.remove(name);
            }
        }
        moment.attributes.take_over(denial.facts(), |_| true);
        for (name, value) in denial.said() {
            moment.attributes.set(name, value.clone());
            if !is_decided {
                state.enrich(self.truncator(), &name.into(), value);
            }
        }
        self.name_policy(state, &mut moment);
        self.write_moment(moment);
    }
}

/// A moment with the facts of a call.
fn of_call(state: &CallState, event: EventName) -> Moment {
    let facts = state.facts();
    let mut moment = Moment { call_id: Some(state.call_id()), client: facts.client(), ..Moment::new(event) };
    moment.caller = state.ids();
    moment.context = state.context().cloned();
    moment.truncations.take_over(&facts.truncations, |_| true);
    // The action of the record is the decision, not that of the call.
    let is_wanted = |key: &str| key != names::AUDIT_ACTION;
    let shared = facts.shared.as_ref().map(|shared| &shared.base);
    for attributes in shared.into_iter().chain([&facts.base, &facts.added]) {
        moment.attributes.take_over(attributes, is_wanted);
    }
    moment
}

/// Says a decision, and who made it.
pub(super) fn write(ruling: &Ruling, source: &'static str, mut set: impl FnMut(&'static str, Value)) {
    let Ruling { verdict, reason, rule, policy, policy_digest, actions } = ruling;
    set(names::AUDITRAIL_DECISION, verdict.as_str().into());
    set(names::AUDITRAIL_DECISION_SOURCE, source.into());
    let texts = [
        (names::AUDITRAIL_DECISION_REASON, reason),
        (names::SECURITY_RULE_NAME, rule),
        (names::AUDITRAIL_POLICY_ID, policy),
        (names::AUDITRAIL_POLICY_DIGEST, policy_digest),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            set(name, text.clone().into());
        }
    }
    if !actions.is_empty() {
        set(names::AUDITRAIL_TARGET_ACTIONS, Value::strings(actions.clone()));
    }
}

/// `auditrail.decision.source` of what the hook decided.
pub(super) const AUTHORIZE: &str = "authorize";
