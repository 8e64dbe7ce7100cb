//! One look at a text, and what was found.

use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::{Exhausted, Work};

/// Something that was found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy::redaction) struct Finding {
    pub(in crate::policy::redaction) start: usize,
    pub(in crate::policy::redaction) end: usize,
    pub(in crate::policy::redaction) kind: Kind,
}

/// What found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy::redaction) enum Kind {
    Detector(Detector),
    /// The pattern of the rule of that number.
    Pattern(usize),
}

/// The detectors that are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::policy::redaction) struct Detectors(u16);

/// One look at a text.
pub(in crate::policy::redaction) struct Scan<'a> {
    pub(in crate::policy::redaction) on: Detectors,
    pub(in crate::policy::redaction) work: &'a mut Work,
    pub(in crate::policy::redaction) found: &'a mut Vec<Finding>,
    /// Looks at a decoded text, as at any other.
    pub(in crate::policy::redaction) look: Look,
    /// Whether the text was decoded already: encodings are looked into once.
    pub(in crate::policy::redaction) is_decoded: bool,
}

impl Detectors {
    pub(in crate::policy::redaction) fn with(self, detector: Detector) -> Self {
        Self(self.0 | 1 << detector as u16)
    }

    pub(in crate::policy::redaction) fn without(self, detector: Detector) -> Self {
        Self(self.0 & !(1 << detector as u16))
    }

    #[inline]
    pub(in crate::policy::redaction) fn has(self, detector: Detector) -> bool {
        self.0 & 1 << detector as u16 != 0
    }

    pub(in crate::policy::redaction) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Adds what is in a text to what was found.
pub(in crate::policy::redaction) type Look = fn(&mut Scan<'_>, &[u8]) -> Result<(), Exhausted>;

impl Scan<'_> {
    pub(super) fn add(&mut self, detector: Detector, start: usize, end: usize) {
        if self.on.has(detector) && start < end {
            self.found.push(Finding { start, end, kind: Kind::Detector(detector) });
        }
    }
}
