//! Numbers by value: numbers of equal value are equal here, however they are written. Nothing is converted to binary
//! floating point, so ids beyond 2⁵³ keep all their digits.

use std::hash::Hasher as _;

use crate::capture::mcp::message::{Id, IdKind, MAX_ID};
use crate::capture::mcp::scan::process_hasher::ProcessHasher;
use crate::capture::mcp::scan::tokens::NumberPart;

/// Accumulates a number digit by digit: `± digits × 10 ^ (zeros + exponent − scale)`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decimal {
    negative: bool,
    /// The digits from the first to the last that is not zero, or as many of them as are kept.
    digits: String,
    /// Trailing zeros, which count only if another digit follows.
    zeros: u64,
    /// The number of digits after the decimal point.
    scale: i64,
    exponent: i64,
    exponent_is_negative: bool,
    /// A hash of the digits that are not kept, and of the zeros before each.
    rest: Option<ProcessHasher>,
}

impl Decimal {
    pub(crate) fn clear(&mut self) {
        let mut digits = std::mem::take(&mut self.digits);
        digits.clear();
        *self = Self { digits, ..Self::default() };
    }

    /// A part of the number, and its kind.
    pub(crate) fn push(&mut self, at: NumberPart, bytes: &[u8]) {
        match at {
            NumberPart::Minus => self.negative = true,
            NumberPart::Zero | NumberPart::Integer => bytes.iter().for_each(|byte| self.digit(*byte)),
            NumberPart::Fraction => {
                self.scale += bytes.len() as i64;
                bytes.iter().for_each(|byte| self.digit(*byte));
            }
            NumberPart::Sign => self.exponent_is_negative = bytes == b"-",
            NumberPart::Exponent => {
                for byte in bytes {
                    self.exponent = (self.exponent * 10 + i64::from(byte - b'0')).min(MAX_EXPONENT);
                }
            }
            NumberPart::Begin | NumberPart::Point | NumberPart::E => {}
        }
    }

    /// The number as an id.
    pub(crate) fn id(&self) -> Id {
        let rest = self.rest.as_ref().map_or(0, ProcessHasher::finish_some);
        if self.digits.is_empty() {
            return Id { kind: IdKind::Integer, text: "0".into(), rest };
        }
        let zeros = i64::try_from(self.zeros).unwrap_or(i64::MAX).min(MAX_EXPONENT);
        let exponent = if self.exponent_is_negative { -self.exponent } else { self.exponent };
        let shift = zeros + exponent - self.scale;
        let kind = if shift < 0 { IdKind::Fraction } else { IdKind::Integer };
        let mut text = self.shifted(shift);
        if self.negative {
            text.insert(0, '-');
        }
        Id { kind, text, rest }
    }

    /// The number as an integer, if it is one that fits.
    pub(crate) fn integer(&self) -> Option<i64> {
        let id = self.id();
        (id.kind == IdKind::Integer && id.rest == 0).then(|| id.text.parse().ok()).flatten()
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.digits.capacity()
    }

    /// The digits with the decimal point moved to the right; with an exponent if that would need many zeros.
    fn shifted(&self, shift: i64) -> String {
        let digits = &self.digits;
        let (length, size) = (digits.len(), usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX));
        match shift {
            0 if self.rest.is_none() => digits.clone(),
            _ if size > MAX_SHIFT || self.rest.is_some() => format!("{digits}e{shift}"),
            1.. => format!("{digits}{:0<size$}", ""),
            _ => match length.checked_sub(size).and_then(|point| digits.split_at_checked(point)) {
                Some((whole, fraction)) if !whole.is_empty() => format!("{whole}.{fraction}"),
                _ => format!("0.{digits:0>size$}"),
            },
        }
    }

    fn digit(&mut self, byte: u8) {
        if byte == b'0' {
            // Leading zeros have no meaning.
            self.zeros += u64::from(!self.digits.is_empty());
            return;
        }
        let room = MAX_DIGITS - self.digits.len();
        let zeros = usize::try_from(self.zeros).unwrap_or(usize::MAX);
        self.digits.extend(std::iter::repeat_n('0', zeros.min(room)));
        if self.digits.len() < MAX_DIGITS {
            self.digits.push(char::from(byte));
        } else {
            let rest = self.rest.get_or_insert_default();
            rest.write_u64(self.zeros);
            rest.write_u8(byte);
        }
        self.zeros = 0;
    }
}

/// How many digits are kept. With a sign and an exponent they take at most `MAX_ID` bytes.
const MAX_DIGITS: usize = MAX_ID - 32;
/// Up to this shift, a number is written without an exponent.
const MAX_SHIFT: usize = 24;
/// A larger exponent counts as this one: no parser distinguishes such numbers.
const MAX_EXPONENT: i64 = 1_000_000_000_000_000;
