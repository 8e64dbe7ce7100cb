//! The grammar of numbers (RFC 8259, section 6).

use crate::capture::mcp::message::Flaw;

/// A reader of one number, in any number of pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Number {
    at: NumberPart,
    is_infinite: bool,
}

/// The kind of the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum NumberPart {
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
    /// Reads on; returns whether the number has ended, and the rest. It ends before the first byte that is not part
    /// of it. The bytes consumed by one call are digits, or a single byte.
    pub(crate) fn read<'a>(
        &mut self,
        mut bytes: &'a [u8],
        mut take: impl FnMut(NumberPart, &[u8]),
    ) -> Result<(bool, &'a [u8]), Flaw> {
        let mut at = self.at;
        while let Some((&byte, rest)) = bytes.split_first() {
            at = match (at, byte) {
                (NumberPart::Integer, b'0'..=b'9') => NumberPart::Integer,
                (NumberPart::Point | NumberPart::Fraction, b'0'..=b'9') => NumberPart::Fraction,
                (NumberPart::E | NumberPart::Sign | NumberPart::Exponent, b'0'..=b'9') => NumberPart::Exponent,
                (NumberPart::Begin, b'-') => NumberPart::Minus,
                (NumberPart::Begin | NumberPart::Minus, b'0') => NumberPart::Zero,
                (NumberPart::Begin | NumberPart::Minus, b'1'..=b'9') => NumberPart::Integer,
                (NumberPart::Zero | NumberPart::Integer, b'.') => NumberPart::Point,
                (NumberPart::Zero | NumberPart::Integer | NumberPart::Fraction, b'e' | b'E') => NumberPart::E,
                (NumberPart::E, b'+' | b'-') => NumberPart::Sign,
                (NumberPart::Minus, b'I') => {
                    self.is_infinite = true;
                    return Ok((true, bytes));
                }
                (NumberPart::Zero, b'0'..=b'9') => return Err(Flaw::NotJson),
                (NumberPart::Zero | NumberPart::Integer | NumberPart::Fraction | NumberPart::Exponent, _) => {
                    return Ok((true, bytes));
                }
                (_, _) => return Err(Flaw::NotJson),
            };
            let more = match at {
                NumberPart::Integer | NumberPart::Fraction | NumberPart::Exponent => {
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

    /// Whether it is only a minus sign, as in the `-Infinity` that some parsers read.
    pub(crate) fn is_infinite(&self) -> bool {
        self.is_infinite
    }

    /// Whether it may end here.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.at, NumberPart::Zero | NumberPart::Integer | NumberPart::Fraction | NumberPart::Exponent)
    }
}
