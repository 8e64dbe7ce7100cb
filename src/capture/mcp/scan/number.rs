//! The grammar of numbers (RFC 8259, section 6).

use super::super::message::Flaw;

/// A reader of one number, in any number of pieces.
#[derive(Debug, Clone, Default)]
pub(super) struct Number {
    at: At,
    is_infinite: bool,
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
    /// Reads on, and tells whether the number has ended, and what is left: it ends before the first byte that is none of it.
    /// All bytes that are taken at once are digits, or it is one byte.
    pub(super) fn read<'a>(
        &mut self,
        mut bytes: &'a [u8],
        mut take: impl FnMut(At, &[u8]),
    ) -> Result<(bool, &'a [u8]), Flaw> {
        let mut at = self.at;
        while let Some((&byte, rest)) = bytes.split_first() {
            at = match (at, byte) {
                (At::Integer, b'0'..=b'9') => At::Integer,
                (At::Point | At::Fraction, b'0'..=b'9') => At::Fraction,
                (At::E | At::Sign | At::Exponent, b'0'..=b'9') => At::Exponent,
                (At::Begin, b'-') => At::Minus,
                (At::Begin | At::Minus, b'0') => At::Zero,
                (At::Begin | At::Minus, b'1'..=b'9') => At::Integer,
                (At::Zero | At::Integer, b'.') => At::Point,
                (At::Zero | At::Integer | At::Fraction, b'e' | b'E') => At::E,
                (At::E, b'+' | b'-') => At::Sign,
                (At::Minus, b'I') => {
                    self.is_infinite = true;
                    return Ok((true, bytes));
                }
                (At::Zero, b'0'..=b'9') => return Err(Flaw::NotJson),
                (At::Zero | At::Integer | At::Fraction | At::Exponent, _) => return Ok((true, bytes)),
                (_, _) => return Err(Flaw::NotJson),
            };
            let more = match at {
                At::Integer | At::Fraction | At::Exponent => {
                    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
                }
                _ => 0,
            };
            let (read, rest) = bytes.split_at(1 + more);
            take(at, read);
            bytes = rest;
        }
        self.at = at;
        Ok((false, bytes))
    }

    /// Whether it is none, but the minus of what some parsers know as `-Infinity`.
    pub(super) fn is_infinite(&self) -> bool {
        self.is_infinite
    }

    /// Whether it may end here.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.at, At::Zero | At::Integer | At::Fraction | At::Exponent)
    }
}
