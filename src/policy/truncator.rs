//! Truncates values that are too long, and keeps the length and a keyed digest of each, by which it can be recognized.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::limits::ValueLimits;
use crate::hex::hex;
use crate::record::{Attributes, Encoder, Key, Value, names};

/// Truncates values by the limits of a trail.
#[derive(Clone)]
pub(crate) struct Truncator {
    limits: ValueLimits,
    key: Hmac<Sha256>,
    key_id: String,
}

/// Length and digest of a value before it was truncated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Truncation {
    key: Key,
    bytes: i64,
    digest: String,
}

/// The truncated values of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Truncations(Vec<Truncation>);

impl Truncator {
    pub(crate) fn new(limits: ValueLimits, key: Hmac<Sha256>, key_id: String) -> Self {
        Self { limits, key, key_id }
    }

    #[cfg(feature = "mcp")]
    pub(crate) fn limits(&self) -> &ValueLimits {
        &self.limits
    }

    /// A truncator with that limit, if it is lower.
    #[cfg(feature = "mcp")]
    pub(crate) fn at_most(&self, bytes: usize) -> Self {
        let value_bytes = bytes.min(self.limits.value_bytes);
        Self { limits: ValueLimits { value_bytes, ..self.limits }, ..self.clone() }
    }

    /// The string with at most that many bytes and, if it was truncated, what it was.
    #[cfg(feature = "mcp")]
    pub(crate) fn text_of_at_most(&self, bytes: usize, key: &Key, mut text: String) -> (String, Option<Truncation>) {
        if text.len() <= bytes {
            return (text, None);
        }
        let truncation = self.cut(key, [text.as_bytes()].into_iter());
        text.truncate(crate::record::cut(&text, bytes).len());
        text.shrink_to_fit();
        (text, Some(truncation))
    }

    /// Whether a string has to be truncated.
    #[inline]
    #[cfg(feature = "layer")]
    pub(crate) fn is_too_long(&self, text: &str) -> bool {
        text.len() > self.limits.value_bytes
    }

    /// The string as it may be exported and, if it was truncated, what it was.
    #[cfg(feature = "layer")]
    pub(crate) fn text<'a>(&self, key: &Key, text: &'a str) -> (&'a str, Option<Truncation>) {
        if !self.is_too_long(text) {
            return (text, None);
        }
        (self.limits.cut(text), Some(self.cut(key, [text.as_bytes()].into_iter())))
    }

    /// Truncates any value, at any depth; returns what it was if it was truncated.
    pub(crate) fn value(&self, key: &Key, value: &mut Value) -> Option<Truncation> {
        let (mut whole, limits) = (Vec::new(), self.limits.of(key));
        strings(value, &mut whole);
        let is_too_long = whole.iter().any(|string| string.len() > limits.value_bytes);
        let cut = is_too_long.then(|| self.cut(key, whole.into_iter()))?;
        limits.apply(value);
        Some(cut)
    }

    /// Truncates all values that are too long, and returns what they were.
    pub(crate) fn limit(&self, attributes: &mut Attributes) -> Truncations {
        let mut truncations = Truncations::default();
        attributes.change_longer(self.limits.value_bytes, |key, value| {
            let cut = self.value(key, value);
            let was_cut = cut.is_some();
            truncations.note(cut);
            was_cut
        });
        truncations
    }

    /// The digest of a string is that of its bytes; of several, that of all of them one after the other, each but the first
    /// behind a zero byte.
    fn cut<'a>(&self, key: &Key, strings: impl Iterator<Item = &'a [u8]>) -> Truncation {
        let (mut mac, mut bytes) = (self.key.clone(), 0);
        for (index, string) in strings.enumerate() {
            if index > 0 {
                mac.update(&[0]);
            }
            mac.update(string);
            bytes += i64::try_from(string.len()).unwrap_or(i64::MAX);
        }
        let digest = hex(&mac.finalize().into_bytes());
        Truncation { key: key.clone(), bytes, digest: format!("{}:{digest}", self.key_id) }
    }
}

impl fmt::Debug for Truncator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Truncator").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(all(feature = "mcp", feature = "redaction"))]
impl Truncation {
    /// A value of that attribute that had so many bytes, with that digest.
    pub(crate) fn of(attribute: &'static str, bytes: u64, digest: String) -> Self {
        Self { key: attribute.into(), bytes: i64::try_from(bytes).unwrap_or(i64::MAX), digest }
    }
}

impl Truncations {
    /// Forgets what was cut of that value.
    #[cfg(feature = "mcp")]
    pub(crate) fn forget(&mut self, key: &str) {
        self.0.retain(|cut| cut.key != key);
    }

    /// If a value is set again, the first truncation counts.
    pub(crate) fn note(&mut self, cut: Option<Truncation>) {
        self.0.extend(cut.filter(|cut| !self.has(&cut.key)));
    }

    /// Adds the truncations of others whose keys are wanted.
    pub(crate) fn take_over(&mut self, others: &Self, wanted: impl Fn(&Key) -> bool) {
        for cut in others.0.iter().filter(|cut| wanted(&cut.key)) {
            self.note(Some(cut.clone()));
        }
    }

    #[cfg(feature = "layer")]
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(crate) fn encode(&self, encoder: &mut Encoder<'_>) {
        if !self.0.is_empty() {
            self.encode_told(encoder);
        }
    }

    #[cold]
    fn encode_told(&self, encoder: &mut Encoder<'_>) {
        self.told().into_iter().flatten().for_each(|(name, value)| encoder.attribute(name, &value));
    }

    pub(crate) fn write(&self, attributes: &mut Attributes) {
        self.told().into_iter().flatten().for_each(|(name, value)| attributes.set(name, value));
    }

    fn told(&self) -> Option<[(&'static str, Value); 3]> {
        let all = |of: fn(&Truncation) -> Value| Value::Array(self.0.iter().map(of).collect());
        (!self.0.is_empty()).then(|| {
            [
                (names::AUDITRAIL_TRUNCATED, all(|cut| Value::Str(cut.key.clone()))),
                (names::AUDITRAIL_TRUNCATED_BYTES, all(|cut| Value::Int(cut.bytes))),
                (names::AUDITRAIL_TRUNCATED_DIGESTS, all(|cut| Value::Str(cut.digest.clone().into()))),
            ]
        })
    }

    fn has(&self, key: &Key) -> bool {
        self.0.iter().any(|cut| cut.key == *key)
    }
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a [u8]>) {
    match value {
        Value::Str(text) => found.push(text.as_bytes()),
        Value::Bytes(bytes) => found.push(bytes),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Map(entries) => entries.iter().for_each(|(_, item)| strings(item, found)),
        _ => {}
    }
}
