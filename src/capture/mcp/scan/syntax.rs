//! The grammar of JSON (RFC 8259), one value at a time. [`FactCollector`] receives what is found.

use super::super::message::Flaw;
use super::facts::{FactCollector, Literal};
use super::tokens::{Discard, Nesting, Number, SkippedValue, StringReader, simple_key};

/// A reader of one value, in any number of pieces.
#[derive(Debug, Clone, Default)]
pub(super) struct Syntax {
    expect: Expect,
    nesting: Nesting,
    quoted: StringReader,
    number: Number,
    deep: SkippedValue,
    /// The rest of `true`, `false` or `null`.
    literal: &'static [u8],
    /// The key, string or number that is being read is wanted.
    wanted: bool,
}

/// How far it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyntaxProgress {
    /// All bytes were read.
    More,
    /// The first byte of something that is held was read.
    HeldBegin,
    /// The last byte of something that is held was read.
    HeldEnd,
    /// The last byte of the value was read.
    Complete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Expect {
    #[default]
    Value,
    /// A value, or the end of the array.
    FirstValue,
    Key,
    /// A key, or the end of the object.
    FirstKey,
    Colon,
    /// A comma, or the end of the array or object.
    Comma,
    InKey,
    InString,
    InNumber,
    InLiteral,
    /// In an array or object that is nested too deeply.
    InDeep,
    /// The value is complete.
    Nothing,
}

impl Syntax {
    /// Begins a value inside that many arrays.
    pub(super) fn begin(&mut self, depth: usize) {
        self.expect = Expect::Value;
        self.nesting = Nesting::new(depth);
        self.quoted = StringReader::default();
    }

    /// Whether the value is complete if no more bytes come, which is true only of a number.
    pub(super) fn is_complete(&self) -> bool {
        self.expect == Expect::InNumber && self.nesting.is_outermost() && self.number.is_complete()
    }

    /// Reads on, at most to the end of the value.
    pub(super) fn read(&mut self, bytes: &mut &[u8], facts: &mut FactCollector) -> Result<SyntaxProgress, Flaw> {
        let mut rest = *bytes;
        let mut progress = SyntaxProgress::More;
        while progress == SyntaxProgress::More && !rest.is_empty() {
            rest = match self.expect {
                Expect::Value | Expect::FirstValue => self.value(rest, facts, &mut progress)?,
                Expect::Comma => self.behind_value(rest, facts, &mut progress)?,
                Expect::Key | Expect::FirstKey => self.member(rest, facts, &mut progress)?,
                Expect::Colon => self.colon(rest)?,
                Expect::InKey => self.in_key(rest, facts)?,
                Expect::InString => self.in_string(rest, facts)?,
                Expect::InNumber => self.in_number(rest, facts)?,
                Expect::InLiteral => self.in_literal(rest)?,
                Expect::InDeep => self.in_deep(rest),
                Expect::Nothing => {
                    progress = SyntaxProgress::Complete;
                    rest
                }
            };
        }
        if self.expect == Expect::Nothing {
            progress = SyntaxProgress::Complete;
        }
        *bytes = rest;
        Ok(progress)
    }

    /// The beginning of a value, or the end of an empty array.
    fn value<'a>(
        &mut self,
        bytes: &'a [u8],
        facts: &mut FactCollector,
        progress: &mut SyntaxProgress,
    ) -> Result<&'a [u8], Flaw> {
        let bytes = behind_whitespace(bytes);
        let Some((&byte, rest)) = bytes.split_first() else { return Ok(bytes) };
        match byte {
            b'"' => {
                self.wanted = facts.begin_string();
                self.expect = Expect::InString;
                return self.in_string(rest, facts);
            }
            b'{' | b'[' if self.nesting.is_full() => {
                facts.too_deep();
                self.deep = SkippedValue::default();
                self.expect = Expect::InDeep;
            }
            b'{' => {
                self.nesting.open(true);
                if facts.open_object() {
                    *progress = SyntaxProgress::HeldBegin;
                }
                self.expect = Expect::FirstKey;
            }
            b'[' => {
                self.nesting.open(false);
                if facts.open_array() {
                    *progress = SyntaxProgress::HeldBegin;
                }
                self.expect = Expect::FirstValue;
            }
            b']' if self.expect == Expect::FirstValue => self.close(facts, progress),
            b'-' | b'0'..=b'9' => {
                self.wanted = facts.begin_number();
                self.number = Number::default();
                self.expect = Expect::InNumber;
                return self.in_number(bytes, facts);
            }
            _ => return self.begin_literal(bytes, facts),
        }
        Ok(rest)
    }

    fn behind_value<'a>(
        &mut self,
        bytes: &'a [u8],
        facts: &mut FactCollector,
        progress: &mut SyntaxProgress,
    ) -> Result<&'a [u8], Flaw> {
        let Some((&byte, rest)) = behind_whitespace(bytes).split_first() else { return Ok(&[]) };
        match (byte, self.nesting.is_object()) {
            (b',', true) => {
                self.expect = Expect::Key;
                return self.member(rest, facts, progress);
            }
            (b',', false) => self.expect = Expect::Value,
            (b'}', true) | (b']', false) => self.close(facts, progress),
            _ => return Err(Flaw::NotJson),
        }
        Ok(rest)
    }

    /// The beginning of a key, and the whole key if it is simple; or the end of an empty object.
    fn member<'a>(
        &mut self,
        bytes: &'a [u8],
        facts: &mut FactCollector,
        progress: &mut SyntaxProgress,
    ) -> Result<&'a [u8], Flaw> {
        let Some((&byte, rest)) = behind_whitespace(bytes).split_first() else { return Ok(&[]) };
        match byte {
            b'"' => {}
            b'}' if self.expect == Expect::FirstKey => {
                self.close(facts, progress);
                return Ok(rest);
            }
            _ => return Err(Flaw::NotJson),
        }
        self.wanted = facts.begin_key();
        self.expect = Expect::InKey;
        let Some((key, behind)) = simple_key(rest) else { return Ok(rest) };
        if self.wanted {
            facts.whole_key(key);
        }
        self.expect = Expect::Colon;
        self.colon(behind)
    }

    fn colon<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Flaw> {
        match behind_whitespace(bytes) {
            [b':', rest @ ..] => {
                self.expect = Expect::Value;
                Ok(rest)
            }
            [] => Ok(&[]),
            _ => Err(Flaw::NotJson),
        }
    }

    fn begin_literal<'a>(&mut self, bytes: &'a [u8], facts: &mut FactCollector) -> Result<&'a [u8], Flaw> {
        let (literal, text): (_, &[u8]) = match bytes.first() {
            Some(b't') => (Literal::True, b"true"),
            Some(b'f') => (Literal::False, b"false"),
            Some(b'n') => (Literal::Null, b"null"),
            Some(b'N') => (Literal::NotANumber, b"NaN"),
            Some(b'I') => (Literal::NotANumber, b"Infinity"),
            _ => return Err(Flaw::NotJson),
        };
        facts.literal(literal);
        self.literal = text;
        self.expect = Expect::InLiteral;
        self.in_literal(bytes)
    }

    fn close(&mut self, facts: &mut FactCollector, progress: &mut SyntaxProgress) {
        self.nesting.close();
        if facts.close() {
            *progress = SyntaxProgress::HeldEnd;
        }
        self.end_value();
    }

    fn in_key<'a>(&mut self, bytes: &'a [u8], facts: &mut FactCollector) -> Result<&'a [u8], Flaw> {
        let (ended, rest) = match self.wanted {
            true => self.quoted.read(bytes, facts.key())?,
            false => self.quoted.read(bytes, &mut Discard)?,
        };
        if ended {
            if self.quoted.take_lossy() {
                facts.doubts().invalid_utf8 = true;
            }
            if self.wanted {
                facts.end_key();
            }
            self.expect = Expect::Colon;
        }
        Ok(rest)
    }

    fn in_string<'a>(&mut self, bytes: &'a [u8], facts: &mut FactCollector) -> Result<&'a [u8], Flaw> {
        let (ended, rest) = match self.wanted {
            true => self.quoted.read(bytes, facts)?,
            false => self.quoted.read(bytes, &mut Discard)?,
        };
        if ended {
            if self.quoted.take_lossy() {
                facts.doubts().invalid_utf8 = true;
            }
            if self.wanted {
                facts.end_string();
            }
            self.end_value();
        }
        Ok(rest)
    }

    fn in_number<'a>(&mut self, bytes: &'a [u8], facts: &mut FactCollector) -> Result<&'a [u8], Flaw> {
        let (ended, rest) = match self.wanted {
            true => self.number.read(bytes, |at, bytes| facts.number(at, bytes))?,
            false => self.number.read(bytes, |_, _| ())?,
        };
        if ended && self.number.is_infinite() {
            return self.begin_literal(rest, facts);
        }
        if ended {
            if self.wanted {
                facts.end_number();
            }
            self.end_value();
        }
        Ok(rest)
    }

    fn in_literal<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Flaw> {
        let length = self.literal.len().min(bytes.len());
        let ((expected, left), (read, rest)) = (self.literal.split_at(length), bytes.split_at(length));
        if read != expected {
            return Err(Flaw::NotJson);
        }
        self.literal = left;
        if left.is_empty() {
            self.end_value();
        }
        Ok(rest)
    }

    fn in_deep<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (ended, rest) = self.deep.read(bytes);
        if ended {
            self.end_value();
        }
        rest
    }

    fn end_value(&mut self) {
        self.expect = if self.nesting.is_outermost() { Expect::Nothing } else { Expect::Comma };
    }
}

/// Strips leading whitespace (RFC 8259, section 2).
pub(crate) fn behind_whitespace(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}
