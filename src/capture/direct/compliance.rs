//! Evidence for controls.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, Value, names, terms};
use crate::trail::Moment;

terms! {
    /// How large a risk is: `auditrail.compliance.risk_level`.
    RiskLevel {
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

/// Something happened that a framework wants to know of: `auditrail.compliance`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct ComplianceEvent {
    moment: Moment,
}

event!(ComplianceEvent);

impl ComplianceEvent {
    /// An event of that framework: a [`Framework`](crate::trail::Framework), or a name of your own.
    pub fn of(framework: impl Into<Cow<'static, str>>) -> Self {
        let moment = Moment::new(EventName::Compliance);
        Self { moment }
            .fact(names::AUDITRAIL_COMPLIANCE_FRAMEWORKS, Value::strings([framework.into()]))
            .fact(names::AUDIT_ACTION, "REPORT")
    }

    /// The control of the framework, such as `164.312(b)`: `auditrail.compliance.control`.
    pub fn control(self, control: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_COMPLIANCE_CONTROL, control.into())
    }

    /// How large the risk is.
    pub fn risk(self, level: RiskLevel) -> Self {
        self.fact(names::AUDITRAIL_COMPLIANCE_RISK_LEVEL, level)
    }

    /// What is done about it, by the name of a measure of yours: `auditrail.compliance.mitigation`.
    pub fn mitigation(self, measure: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_COMPLIANCE_MITIGATION, measure.into())
    }
}
