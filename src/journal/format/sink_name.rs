//! The name of a sink, as it is used in file names and in the quarantine.

use std::fmt;

/// The name of a sink: a lower-case letter, then lower-case letters, digits and hyphens, at most sixteen characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkName([u8; LONGEST]);

impl SinkName {
    /// The collector, reached with OTLP.
    pub const OTLP: Self = Self(*b"otlp\0\0\0\0\0\0\0\0\0\0\0\0");

    /// A file of OTLP JSON lines on this machine.
    pub const FILE: Self = Self(*b"file\0\0\0\0\0\0\0\0\0\0\0\0");

    /// Standard error of the process.
    pub const STDERR: Self = Self(*b"stderr\0\0\0\0\0\0\0\0\0\0");

    /// Checks a name; `None` if it is not valid.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(is_plain);
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..name.len()).filter(|_| is_name)?.copy_from_slice(name.as_bytes());
        Some(Self(bytes))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
        self.0.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// The name, padded with zeros.
    pub(in crate::journal) const fn to_bytes(self) -> [u8; LONGEST] {
        self.0
    }

    pub(in crate::journal) fn from_bytes(bytes: [u8; LONGEST]) -> Option<Self> {
        Self::new(Self(bytes).as_str()).filter(|name| name.0 == bytes)
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

const LONGEST: usize = 16;
