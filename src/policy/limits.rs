//! How long a value may be.

use crate::record::Value;

/// Limits on what one record may hold. They act before the journal: what is in the journal never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueLimits {
    /// The longest string, in bytes; longer ones are cut at a character and named in `auditrail.truncated`.
    pub value_bytes: usize,
    /// The longest string that stands on all records of a connection or HTTP request: what its headers say, and what the
    /// client says of itself. Longer ones are cut and named in the same way.
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
    /// The beginning of a string that is too long, and of any other the whole.
    #[must_use]
    pub fn cut<'a>(&self, text: &'a str) -> &'a str {
        crate::record::cut(text, self.value_bytes)
    }

    /// Cuts what is too long, at any depth; says whether it did.
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
