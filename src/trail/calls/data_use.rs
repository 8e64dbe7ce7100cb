//! Why, and under which rules, data are used: facts that every event and every call may have.

use std::borrow::Cow;
use std::time::SystemTime;

use super::digest::Pseudonym;
use crate::record::{Attributes, Value, names, rfc3339, terms};

terms! {
    /// The legal basis of processing personal data: `auditrail.compliance.legal_basis` (GDPR, article 6).
    LegalBasis {
        /// The person agreed.
        Consent = "consent",
        /// A contract with the person.
        Contract = "contract",
        /// A law demands it.
        LegalObligation = "legal_obligation",
        /// It protects a person's life.
        VitalInterests = "vital_interests",
        /// A task in the public interest.
        PublicTask = "public_task",
        /// Legitimate interests of the controller.
        LegitimateInterests = "legitimate_interests",
    }
}

terms! {
    /// How sensitive the data are: `auditrail.compliance.sensitivity`.
    Sensitivity {
        /// For everybody.
        Public = "public",
        /// For everybody inside.
        Internal = "internal",
        /// For those who need them.
        Confidential = "confidential",
        /// For named persons only.
        Restricted = "restricted",
    }
}

terms! {
    /// A law or a standard: `auditrail.compliance.applicable` and `.frameworks`.
    Framework {
        /// General Data Protection Regulation (EU).
        Gdpr = "gdpr",
        /// California Consumer Privacy Act.
        Ccpa = "ccpa",
        /// Health Insurance Portability and Accountability Act (US).
        Hipaa = "hipaa",
        /// Payment Card Industry Data Security Standard.
        PciDss = "pci_dss",
        /// SOC 2 (AICPA trust services criteria).
        Soc2 = "soc2",
        /// ISO/IEC 27001.
        Iso27001 = "iso_27001",
        /// NIST SP 800-53.
        Nist80053 = "nist_800_53",
        /// Artificial Intelligence Act (EU).
        EuAiAct = "eu_ai_act",
        /// Sarbanes-Oxley Act (US).
        Sox = "sox",
    }
}

/// Why, and under which rules, data are used. Every event takes it, and so does a [`Call`](crate::Call):
///
/// ```no_run
/// use auditrail::Call;
/// use auditrail::trail::{DataUse, Framework, LegalBasis, Sensitivity};
///
/// # fn call(trail: &auditrail::Trail) -> Call {
/// let data = DataUse::new()
///     .purpose("support")
///     .legal_basis(LegalBasis::Contract)
///     .sensitivity(Sensitivity::Confidential)
///     .applicable([Framework::Gdpr, Framework::Ccpa])
///     .data_subject(trail.pseudonym("customer 4711"))
///     .retention_class("one year");
/// Call::mcp("tools/call").tool("close_ticket").data_use(data)
/// # }
/// ```
///
/// Texts are recorded as they are: use words of a list of your own, in which no person can stand.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "it says nothing until an event or a call gets it"]
pub struct DataUse(Attributes);

impl DataUse {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What for: `auditrail.compliance.purpose`.
    pub fn purpose(self, purpose: impl Into<Cow<'static, str>>) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_PURPOSE, purpose.into())
    }

    /// On which legal basis.
    pub fn legal_basis(self, basis: LegalBasis) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_LEGAL_BASIS, basis)
    }

    /// Tags of your own: `auditrail.compliance.tags`.
    pub fn tags<T: Into<Cow<'static, str>>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_TAGS, Value::strings(tags))
    }

    /// The frameworks whose controls this is evidence for: `auditrail.compliance.frameworks`. A [`Framework`], or a name of your
    /// own.
    pub fn frameworks<T: Into<Cow<'static, str>>>(self, frameworks: impl IntoIterator<Item = T>) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_FRAMEWORKS, Value::strings(frameworks))
    }

    /// The laws that apply to the data: `auditrail.compliance.applicable`.
    pub fn applicable(self, laws: impl IntoIterator<Item = Framework>) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_APPLICABLE, Value::strings(laws))
    }

    /// How sensitive the data are.
    pub fn sensitivity(self, sensitivity: Sensitivity) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_SENSITIVITY, sensitivity)
    }

    /// Why access was given, which HIPAA asks for: `auditrail.compliance.access_reason`, such as `treatment` or `break_glass`.
    pub fn access_reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.set(names::AUDITRAIL_COMPLIANCE_ACCESS_REASON, reason.into())
    }

    /// Whose data they are.
    pub fn data_subject(self, person: Pseudonym) -> Self {
        self.set(names::AUDITRAIL_DATA_SUBJECT_ID, person)
    }

    /// The rule by which the record itself is kept: `auditrail.retention.class`.
    pub fn retention_class(self, class: impl Into<Cow<'static, str>>) -> Self {
        self.set(names::AUDITRAIL_RETENTION_CLASS, class.into())
    }

    /// Until when the record itself is kept: `auditrail.retention.expires_at`, in UTC and whole seconds.
    pub fn expires_at(self, time: SystemTime) -> Self {
        self.set(names::AUDITRAIL_RETENTION_EXPIRES_AT, rfc3339(time))
    }

    fn set(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.set(key, value);
        self
    }

    pub(super) fn write(self, attributes: &mut Attributes) {
        attributes.take_over(&self.0, |_| true);
    }
}
