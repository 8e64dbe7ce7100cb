//! All detectors, one after the other.

use super::scan::Scan;
use super::{digits, email, encoded, pem, phone, runs};
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Exhausted;

/// Adds what is in the text, in no order; findings may overlap.
pub(in crate::policy::redaction) fn text(scan: &mut Scan<'_>, text: &[u8]) -> Result<(), Exhausted> {
    scan.work.spend(text.len())?;
    if text.len() < SHORTEST {
        return Ok(());
    }
    let marks = Marks::of(text);
    if marks.at {
        email::find(text, scan);
    }
    if marks.percent && !scan.is_decoded {
        encoded::percent(text, scan)?;
    }
    if marks.dashes && scan.on.has(Detector::PrivateKey) {
        pem::find(text, scan);
    }
    if marks.plus && scan.on.has(Detector::Phone) {
        phone::international(text, scan);
    }
    digits::find(text, scan)?;
    runs::find(text, scan)
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

/// The shortest text that can be anything: `a@b.cc`.
const SHORTEST: usize = 6;
/// Shorter texts are looked at byte by byte, which is faster than starting several searches.
const FEW: usize = 64;
