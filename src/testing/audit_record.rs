//! A record, for assertions.

use std::ops::Deref;
use std::str::FromStr;

use crate::record::{Detail, EventName, Record, Status, Value, names};

/// A decoded record. It dereferences to [`Record`], which has everything; the methods here give what tests ask most.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord(Record);

impl AuditRecord {
    /// `auditrail.event`, if it is one of this version.
    #[must_use]
    pub fn event(&self) -> Option<EventName> {
        self.parsed(names::AUDITRAIL_EVENT)
    }

    /// `auditrail.phase`: `request` or `response`; records of a moment have none.
    #[must_use]
    pub fn phase(&self) -> Option<&str> {
        self.text(names::AUDITRAIL_PHASE)
    }

    /// `auditrail.call.id`, which all records of one call have.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.text(names::AUDITRAIL_CALL_ID)
    }

    /// `audit.outcome`.
    #[must_use]
    pub fn outcome(&self) -> Option<Status> {
        self.parsed(names::AUDIT_OUTCOME)
    }

    /// `auditrail.outcome.detail`.
    #[must_use]
    pub fn detail(&self) -> Option<Detail> {
        self.parsed(names::AUDITRAIL_OUTCOME_DETAIL)
    }

    /// `error.type`.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        self.text(names::ERROR_TYPE)
    }

    /// `mcp.method.name`.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.text(names::MCP_METHOD_NAME)
    }

    /// `gen_ai.tool.name`.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        self.text(names::GEN_AI_TOOL_NAME)
    }

    /// `gen_ai.prompt.name`.
    #[must_use]
    pub fn prompt(&self) -> Option<&str> {
        self.text(names::GEN_AI_PROMPT_NAME)
    }

    /// `mcp.resource.uri`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.text(names::MCP_RESOURCE_URI)
    }

    /// `audit.actor.id`; `anonymous` if nothing names an actor.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        self.text(names::AUDIT_ACTOR_ID)
    }

    /// `auditrail.actor.verified`.
    #[must_use]
    pub fn verified(&self) -> Option<bool> {
        match self.get(names::AUDITRAIL_ACTOR_VERIFIED) {
            Some(Value::Bool(verified)) => Some(*verified),
            _ => None,
        }
    }

    /// `auditrail.decision`.
    #[must_use]
    pub fn decision(&self) -> Option<&str> {
        self.text(names::AUDITRAIL_DECISION)
    }

    /// `security_rule.name`.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.text(names::SECURITY_RULE_NAME)
    }

    /// `auditrail.duration`, in seconds.
    #[must_use]
    pub fn duration(&self) -> Option<f64> {
        match self.get(names::AUDITRAIL_DURATION) {
            Some(Value::Double(seconds)) => Some(*seconds),
            _ => None,
        }
    }

    /// The record itself.
    #[must_use]
    pub fn into_record(self) -> Record {
        self.0
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

impl From<Record> for AuditRecord {
    fn from(record: Record) -> Self {
        Self(record)
    }
}

impl Deref for AuditRecord {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0
    }
}
