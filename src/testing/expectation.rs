//! What is expected of records.

use std::borrow::Cow;
use std::fmt;

use super::audit_record::AuditRecord;
use super::expected_value::{ExpectedValue, shown};
use crate::record::{EventName, Value, names};

/// What some entries of a trail are expected to be, and how many there are. [`assert_audited!`](crate::assert_audited) makes
/// one from its keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub(super) wanted: Vec<Wanted>,
    pub(super) count: usize,
}

/// An attribute and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// What the user calls it.
    pub(super) key: Cow<'static, str>,
    pub(super) attribute: Cow<'static, str>,
    pub(super) value: Value,
}

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident = $attribute:ident;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $key(self, value: impl ExpectedValue) -> Self {
                self.with(stringify!($key), names::$attribute, value.expected())
            }
        )*

        /// Adds the key of that name; `None` if there is none.
        #[must_use]
        pub fn with_key(self, key: &str, value: impl ExpectedValue) -> Option<Self> {
            match key {
                $(stringify!($key) => Some(self.$key(value)),)*
                _ => None,
            }
        }

        /// The keys of an expectation, apart from `count`, and the attributes that they stand for.
        pub const KEYS: &[(&str, &str)] = &[$((stringify!($key), names::$attribute)),*];
    };
}

impl Expectation {
    /// Exactly one entry, of any kind.
    #[must_use]
    pub fn any() -> Self {
        Self { wanted: Vec::new(), count: 1 }
    }

    keys! {
        /// `gen_ai.tool.name`.
        tool = GEN_AI_TOOL_NAME;
        /// `gen_ai.prompt.name`.
        prompt = GEN_AI_PROMPT_NAME;
        /// `mcp.resource.uri`, as it is recorded: without user, query and fragment.
        resource = MCP_RESOURCE_URI;
        /// `mcp.method.name`.
        method = MCP_METHOD_NAME;
        /// `auditrail.event`: an [`EventName`], or its text.
        event = AUDITRAIL_EVENT;
        /// `audit.outcome`.
        outcome = AUDIT_OUTCOME;
        /// `auditrail.outcome.detail`.
        detail = AUDITRAIL_OUTCOME_DETAIL;
        /// `error.type`.
        error_type = ERROR_TYPE;
        /// `audit.actor.id`.
        actor = AUDIT_ACTOR_ID;
        /// `auditrail.actor.verified`.
        verified = AUDITRAIL_ACTOR_VERIFIED;
        /// `auditrail.decision`.
        decision = AUDITRAIL_DECISION;
        /// `security_rule.name`.
        rule = SECURITY_RULE_NAME;
        /// `auditrail.phase`. Without it, the request records of calls do not count.
        phase = AUDITRAIL_PHASE;
    }

    /// Any attribute, by its name in the record.
    #[must_use]
    pub fn attribute(self, name: impl Into<Cow<'static, str>>, value: impl ExpectedValue) -> Self {
        let name = name.into();
        self.with(name.clone(), name, value.expected())
    }

    /// How many entries are expected; one, if it is not said.
    #[must_use]
    pub fn count(self, count: usize) -> Self {
        Self { count, ..self }
    }

    fn with(
        mut self,
        key: impl Into<Cow<'static, str>>,
        attribute: impl Into<Cow<'static, str>>,
        value: Value,
    ) -> Self {
        self.wanted.push(Wanted { key: key.into(), attribute: attribute.into(), value });
        self
    }

    /// Whether the record is an entry that this is about, whatever its values are.
    pub(super) fn counts(&self, record: &AuditRecord) -> bool {
        let event = self.wanted.iter().find(|wanted| wanted.attribute == names::AUDITRAIL_EVENT);
        let is_of_trail = record.event() == Some(EventName::Lifecycle);
        let is_call = record.phase().is_some();
        let is_of_call = is_call || !OF_CALLS.iter().any(|attribute| self.asks_for(attribute));
        // A decision about a message has its method, too.
        let is_message = is_call || record.event() == Some(EventName::McpNotification);
        let is_of_call = is_of_call && (is_message || !self.asks_for(names::MCP_METHOD_NAME));
        let is_entry = record.phase() != Some("request") || self.asks_for(names::AUDITRAIL_PHASE);
        is_entry && event.map_or(is_of_call && !is_of_trail, |event| !is_of_trail || event.is_in(record))
    }

    pub(super) fn matches(&self, record: &AuditRecord) -> bool {
        self.counts(record) && self.wanted.iter().all(|wanted| wanted.is_in(record))
    }

    /// Whether a call with that request record may end as one that is expected.
    pub(super) fn may_become(&self, request: &AuditRecord) -> bool {
        let is_possible = |wanted: &Wanted| {
            let may_be_added = request.get(&wanted.attribute).is_none() && request.method().is_none();
            !FIXED.contains(&&*wanted.attribute) || may_be_added || wanted.is_in(request)
        };
        self.wanted.iter().all(is_possible)
    }

    fn asks_for(&self, attribute: &str) -> bool {
        self.wanted.iter().any(|wanted| wanted.attribute == attribute)
    }
}

impl Wanted {
    pub(super) fn is_in(&self, record: &AuditRecord) -> bool {
        record.get(&self.attribute) == Some(&self.value)
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Wanted { key, value: wanted, .. }) in self.wanted.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{key} = {}", shown(wanted))?;
        }
        Ok(())
    }
}

/// What only calls are asked for, although other records have it, such as those of the definitions of tools.
const OF_CALLS: [&str; 3] = [names::GEN_AI_TOOL_NAME, names::GEN_AI_PROMPT_NAME, names::MCP_RESOURCE_URI];
/// What a call has from its beginning, and nothing replaces.
const FIXED: [&str; 7] = [
    names::GEN_AI_TOOL_NAME,
    names::GEN_AI_PROMPT_NAME,
    names::MCP_RESOURCE_URI,
    names::MCP_METHOD_NAME,
    names::AUDITRAIL_EVENT,
    names::JSONRPC_REQUEST_ID,
    names::MCP_SESSION_ID,
];
