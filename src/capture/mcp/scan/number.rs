//! The grammar of numbers (RFC 8259, section 6).

use super::super::message::Flaw;
use super::decimal::Decimal;

/// A reader of one number, in any number of pieces.
#[derive(Debug, Default)]
pub(super) struct Number {
    at: At,
}

/// What the last byte was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum At {
    #[default]
    Begin,
    Minus,
    /// A zero that no digit may follow.
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

impl Number {
    /// Reads on, and tells whether the number has ended: before the first byte that is left.
    pub(super) fn read(&mut self, bytes: &mut &[u8], mut decimal: Option<&mut Decimal>) -> Result<bool, Flaw> {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.at = match (self.at, byte) {
                (At::Integer, b'0'..=b'9') => At::Integer,
                (At::Point | At::Fraction, b'0'..=b'9') => At::Fraction,
                (At::E | At::Sign | At::Exponent, b'0'..=b'9') => At::Exponent,
                (At::Begin, b'-') => At::Minus,
                (At::Begin | At::Minus, b'0') => At::Zero,
                (At::Begin | At::Minus, b'1'..=b'9') => At::Integer,
                (At::Zero | At::Integer, b'.') => At::Point,
                (At::Zero | At::Integer | At::Fraction, b'e' | b'E') => At::E,
                (At::E, b'+' | b'-') => At::Sign,
                (At::Zero, b'0'..=b'9') => return Err(Flaw::NotJson),
                (_, _) if self.is_complete() => return Ok(true),
                (_, _) => return Err(Flaw::NotJson),
            };
            if let Some(decimal) = &mut decimal {
                decimal.push(self.at, byte);
            }
            *bytes = rest;
        }
        Ok(false)
    }

    /// Whether it may end here.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.at, At::Zero | At::Integer | At::Fraction | At::Exponent)
    }
}
