//! Finds secrets and personal data in text.
//!
//! Most text has nothing to find, so one look at it must be cheap: long runs of characters without spaces are found by jumps, and
//! only in them keywords are searched; groups of digits are found by jumps, too.

mod card;
mod digits;
mod email;
mod encoded;
mod entropy;
mod iban;
mod jwt;
mod pem;
mod phone;
mod runs;
mod tokens;

use super::detector::Detector;
use super::limits::{Exhausted, Work};

/// Something that was found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// What found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Detector(Detector),
    /// The pattern of the rule of that number.
    Pattern(usize),
}

/// The detectors that are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Detectors(u16);

/// One look at a text.
pub(super) struct Scan<'a> {
    pub(super) on: Detectors,
    pub(super) work: &'a mut Work,
    pub(super) found: &'a mut Vec<Finding>,
    /// Whether the text was decoded already: encodings are looked into once.
    pub(super) is_decoded: bool,
}

impl Detectors {
    pub(super) fn with(self, detector: Detector) -> Self {
        Self(self.0 | 1 << detector as u16)
    }

    pub(super) fn without(self, detector: Detector) -> Self {
        Self(self.0 & !(1 << detector as u16))
    }

    #[inline]
    pub(super) fn has(self, detector: Detector) -> bool {
        self.0 & 1 << detector as u16 != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Scan<'_> {
    /// Adds what is in the text, in no order; findings may overlap.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), Exhausted> {
        self.work.spend(text.len())?;
        if text.len() < SHORTEST {
            return Ok(());
        }
        let marks = Marks::of(text);
        if marks.at {
            email::find(text, self);
        }
        if marks.percent && !self.is_decoded {
            encoded::percent(text, self)?;
        }
        if marks.dashes && self.on.has(Detector::PrivateKey) {
            pem::find(text, self);
        }
        if marks.plus && self.on.has(Detector::Phone) {
            phone::international(text, self);
        }
        digits::find(text, self)?;
        runs::find(text, self)
    }

    fn add(&mut self, detector: Detector, start: usize, end: usize) {
        if self.on.has(detector) && start < end {
            self.found.push(Finding { start, end, kind: Kind::Detector(detector) });
        }
    }
}

/// Which characters are in a text that some detectors begin with.
struct Marks {
    at: bool,
    percent: bool,
    plus: bool,
    dashes: bool,
}

impl Marks {
    fn of(text: &[u8]) -> Self {
        if text.len() < FEW {
            let mut seen = 0;
            text.iter().for_each(|byte| seen |= mark(*byte));
            return Self { at: seen & 1 != 0, percent: seen & 2 != 0, plus: seen & 4 != 0, dashes: seen & 8 != 0 };
        }
        let has_any = memchr::memchr3(b'@', b'%', b'+', text).is_some();
        Self {
            at: has_any && memchr::memchr(b'@', text).is_some(),
            percent: has_any && memchr::memchr(b'%', text).is_some(),
            plus: has_any && memchr::memchr(b'+', text).is_some(),
            dashes: pem::BEGINNING.find(text).is_some(),
        }
    }
}

#[inline]
fn mark(byte: u8) -> u8 {
    u8::from(byte == b'@') | u8::from(byte == b'%') << 1 | u8::from(byte == b'+') << 2 | u8::from(byte == b'-') << 3
}

/// Whether a character is a letter or a digit: a word goes on with it.
#[inline]
fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_alphanumeric)
}

/// The shortest text that can be anything: `a@b.cc`.
const SHORTEST: usize = 6;
/// Shorter texts are looked at byte by byte, which is faster than starting several searches.
const FEW: usize = 64;

#[cfg(test)]
mod tests;
