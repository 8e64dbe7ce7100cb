//! Suspected attacks.

use super::builder::event;
use crate::record::{Detail, EventName, Outcome, Value, names, terms};
use crate::trail::Moment;

terms! {
    /// What kind of attack is suspected: `auditrail.threat.type`.
    ThreatType {
        /// Text that is to make a model do something else.
        PromptInjection = "prompt_injection",
        /// The description or the answer of a tool that does so.
        ToolPoisoning = "tool_poisoning",
        /// A tool that passes itself off as another one.
        ToolImpersonation = "tool_impersonation",
        /// A token or another credential in the wrong hands.
        CredentialMisuse = "credential_misuse",
        /// A server with rights is made to use them for a client without them.
        ConfusedDeputy = "confused_deputy",
        /// An actor takes more rights than it was given.
        PrivilegeEscalation = "privilege_escalation",
        /// Data leave that must not.
        DataExfiltration = "data_exfiltration",
        /// A session is used by another client than its own.
        SessionHijacking = "session_hijacking",
        /// Requests that are to exhaust a server.
        DenialOfService = "denial_of_service",
        /// A client tries out what there is.
        Probing = "probing",
        /// Something else.
        Other = "other",
    }
}

terms! {
    /// How bad it is: `auditrail.threat.level`.
    ThreatLevel {
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical.
        Critical = "critical",
    }
}

/// An attack is suspected: `auditrail.threat`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Threat {
    moment: Moment,
}

event!(Threat);

impl Threat {
    /// An attack of that kind was seen, and went on: decision `allow`, outcome `success`.
    pub fn observed(kind: ThreatType, level: ThreatLevel) -> Self {
        Self::of(kind, level).fact(names::AUDITRAIL_DECISION, "allow")
    }

    /// An attack of that kind was seen and stopped: decision `deny`, outcome `failure`, `denied`.
    pub fn blocked(kind: ThreatType, level: ThreatLevel) -> Self {
        Self::of(kind, level).fact(names::AUDITRAIL_DECISION, "deny").outcome(Outcome::of(Detail::Denied))
    }

    /// The rule of the detector that found it.
    pub fn rule(self, rule: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.fact(names::SECURITY_RULE_NAME, rule.into())
    }

    fn of(kind: ThreatType, level: ThreatLevel) -> Self {
        Self { moment: Moment::new(EventName::Threat) }
            .fact(names::AUDITRAIL_THREAT_TYPE, kind)
            .fact(names::AUDITRAIL_THREAT_LEVEL, level)
            .fact(names::AUDIT_ACTION, "DETECT")
    }
}
