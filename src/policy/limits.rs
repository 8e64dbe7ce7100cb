//! Limits on the length of values.

use crate::record::{Value, names};

/// Limits on the values of a record. They apply before the record is written to the journal, where nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueLimits {
    /// The longest string, in bytes. Longer ones are truncated at a character and named in `auditrail.truncated`.
    pub value_bytes: usize,
    /// The longest string that is repeated on all records of a connection or HTTP request: values from its headers, and the
    /// client's description of itself. Longer ones are truncated and named in the same way.
    pub shared_bytes: usize,
}

impl Default for ValueLimits {
    /// 4 KiB: longer than any name, id or URI of good will, far below what a hostile client can send. What is shared is said
    /// once and written with each call, so it is cut sooner: 512 bytes are more than any browser or SDK says of itself.
    fn default() -> Self {
        Self { value_bytes: 4096, shared_bytes: 512 }
    }
}

impl ValueLimits {
    /// The longest string of that attribute: a tool's definition, which is recorded only where that is switched on, has a
    /// limit of its own.
    pub(super) fn of(&self, key: &str) -> Self {
        match key {
            names::AUDITRAIL_MCP_TOOL_DEFINITION => Self { value_bytes: MAX_DEFINITION, ..*self },
            _ => *self,
        }
    }

    /// The string, truncated if it is too long.
    #[must_use]
    pub fn cut<'a>(&self, text: &'a str) -> &'a str {
        crate::record::cut(text, self.value_bytes)
    }

    /// Truncates values that are too long, at any depth, and returns whether there were any.
    pub fn apply(&self, value: &mut Value) -> bool {
        match value {
            Value::Str(text) if text.len() > self.value_bytes => {
                *text = self.cut(text).to_owned().into();
                true
            }
            Value::Bytes(bytes) if bytes.len() > self.value_bytes => {
                bytes.truncate(self.value_bytes);
                true
            }
            Value::Array(items) => items.iter_mut().fold(false, |cut, item| self.apply(item) | cut),
            Value::Map(entries) => entries.iter_mut().fold(false, |cut, (_, item)| self.apply(item) | cut),
            _ => false,
        }
    }
}

/// 16 KiB: a long description and a schema with some hundred properties.
pub(crate) const MAX_DEFINITION: usize = 16 * 1024;
