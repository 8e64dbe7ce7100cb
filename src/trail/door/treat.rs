//! Asks the policy what is kept of a call, when it begins and when it has ended.

use crate::policy::{Begin, Class, Level};
use crate::record::{EventName, Outcome, names};
use crate::trail::calls::{Call, CallState, Facts, Kept, Moment, ToolHints, Treated, call_facts};
use crate::trail::core::Core;
use crate::trail::recording::LeftOutBy;

impl Core {
    /// Asks about a call that begins, and returns its class: that of its rule, or of the hook `classify`, or of the trail.
    pub(in crate::trail) fn treat(&self, call: &mut Call) -> Class {
        let Some(policy) = self.policies.for_call() else { return self.class(call) };
        let hints = call.known_hints();
        let mut treated = Treated::at_begin(policy, &call_facts(call.event, hints, |key| call.text(key)), hints);
        let class = treated.class(|| self.class(call));
        call.treated = Some(treated);
        self.auditable(class)
    }

    /// Asks the same policy again, once the actor of the call is known.
    pub(in crate::trail) fn treat_again(call: &mut Call) {
        if let Some(treated) = call.treated.take() {
            let again = treated.again(&call_facts(call.event, treated.hints(), |key| call.text(key)));
            call.treated = Some(again);
        }
    }

    /// Asks about a call that an annotated span is, once what it names is known.
    #[cfg(feature = "layer")]
    pub(crate) fn treat_span(&self, state: &CallState) {
        let Some(policy) = self.policies.for_call() else { return };
        let treated = {
            let facts = state.facts();
            let is_read =
                facts.mapped.as_ref().is_some_and(|mapped| crate::policy::TargetMap::is_read(&mapped.actions));
            let hints = if is_read { ToolHints::of_read_only(true) } else { ToolHints::default() };
            Treated::at_begin(policy, &call_facts(state.event(), hints, |key| facts.text_of(key)), hints)
        };
        state.treat(treated);
    }

    /// What is kept of a call that has ended so.
    pub(in crate::trail) fn kept(treated: &Treated, state: &CallState, facts: &Facts, outcome: &Outcome) -> Kept {
        let facts = call_facts(state.event(), treated.hints(), |key| facts.captured_text(key));
        treated.at_end(&facts, outcome, state.ids(), state.id_bytes())
    }

    /// Whether the policy leaves a message out that is no call. Then it is counted.
    pub(in crate::trail) fn leaves_out(&self, moment: &mut Moment) -> bool {
        if moment.event != EventName::McpNotification || moment.is_garbage {
            return false;
        }
        let Some(policy) = self.policies.for_call() else { return false };
        let facts = call_facts(moment.event, ToolHints::default(), |key| moment.attributes.text(key));
        let treatment = match policy.policy.at_begin(&facts) {
            Begin::Decided(treatment) => treatment,
            Begin::AfterOutcome { .. } => policy.policy.at_end(&facts, &moment.outcome),
        };
        if treatment.level == Level::None {
            self.count_left_out(LeftOutBy::Rule, &treatment.rule, policy.policy.digest());
            return true;
        }
        moment.attributes.take_over(&policy.stamp, |_| true);
        false
    }

    /// Counts a record that the policy leaves out.
    pub(in crate::trail) fn count_left_out(&self, by: LeftOutBy, rule: &crate::policy::RuleRef, digest: &str) {
        if !self.recorder.is_off {
            self.policies.suppressed.note(by, rule, digest, self.clock().unix_nano());
        }
    }

    /// Counts a half of that call that its policy leaves out.
    pub(in crate::trail) fn count_half_left_out(&self, treated: &Treated, kept: Option<&Kept>) {
        let treatment = kept.map_or_else(|| treated.most(), |kept| &kept.treatment);
        let is_sampled = treatment.level != Level::None && kept.is_some_and(|kept| !kept.response);
        let by = if is_sampled { LeftOutBy::Sample } else { LeftOutBy::Rule };
        self.count_left_out(by, &treatment.rule, treated.by.policy.digest());
    }

    /// Names the policy of the trail on the record of a decision, unless the decision names its own.
    pub(super) fn name_policy(&self, state: &CallState, moment: &mut Moment) {
        let Some(treated) = state.treated() else { return };
        if !POLICY.iter().any(|name| moment.attributes.contains(name)) {
            moment.attributes.take_over(&treated.by.stamp, |_| true);
            moment.attributes.set(names::AUDITRAIL_POLICY_ID, treated.by.policy.id().to_owned());
        }
    }
}

/// What names a policy.
const POLICY: [&str; 2] = [names::AUDITRAIL_POLICY_ID, names::AUDITRAIL_POLICY_DIGEST];
