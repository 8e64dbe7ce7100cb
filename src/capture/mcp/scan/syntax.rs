//! The grammar of JSON (RFC 8259), one value at a time. What is found is told to [`Facts`].

use super::super::message::Flaw;
use super::facts::{Facts, Literal};
use super::nesting::Nesting;
use super::number::Number;
use super::quoted::{Nobody, Quoted};

/// A reader of one value, in any number of pieces.
#[derive(Debug, Default)]
pub(super) struct Syntax {
    expect: Expect,
    nesting: Nesting,
    quoted: Quoted,
    number: Number,
    /// What is left of `true`, `false` or `null`.
    literal: &'static [u8],
    /// Somebody wants the key, the string or the number that is being read.
    wanted: bool,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// All bytes are read.
    More,
    /// The first byte of a tool's definition is read.
    ToolBegin,
    /// The last byte of a tool's definition is read.
    ToolEnd,
    /// The last byte of the value is read.
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
    /// The value is complete.
    Nothing,
}

impl Syntax {
    /// Begins a value inside of so many arrays.
    pub(super) fn begin(&mut self, depth: usize) {
        self.expect = Expect::Value;
        self.nesting = Nesting::new(depth);
        self.quoted = Quoted::default();
    }

    /// Whether the value is complete if no more bytes come, which only a number can be.
    pub(super) fn is_complete(&self) -> bool {
        self.expect == Expect::InNumber && self.nesting.is_outermost() && self.number.is_complete()
    }

    /// Reads on, no further than the end of the value.
    pub(super) fn read(&mut self, bytes: &mut &[u8], facts: &mut Facts) -> Result<Progress, Flaw> {
        while !bytes.is_empty() {
            match self.expect {
                Expect::InKey => self.key(bytes, facts)?,
                Expect::InString => self.string(bytes, facts)?,
                Expect::InNumber => self.number(bytes, facts)?,
                Expect::InLiteral => self.literal(bytes)?,
                _ => {
                    *bytes = behind_whitespace(bytes);
                    let progress = self.punctuation(bytes, facts)?;
                    if progress != Progress::More {
                        return Ok(progress);
                    }
                }
            }
            if self.expect == Expect::Nothing {
                return Ok(Progress::Complete);
            }
        }
        Ok(Progress::More)
    }

    /// The first byte of something, or all of what is one byte.
    fn punctuation(&mut self, bytes: &mut &[u8], facts: &mut Facts) -> Result<Progress, Flaw> {
        use Expect::{Colon, Comma, FirstKey, FirstValue, InKey, InString, Key, Value};
        let Some((&byte, rest)) = bytes.split_first() else { return Ok(Progress::More) };
        let mut progress = Progress::More;
        match (self.expect, byte) {
            (Comma, b',') => self.expect = if self.nesting.is_object() { Key } else { Value },
            (Key | FirstKey, b'"') => {
                self.wanted = facts.begin_key();
                self.expect = InKey;
            }
            (Colon, b':') => self.expect = Value,
            (Value | FirstValue, b'"') => {
                self.wanted = facts.begin_string();
                self.expect = InString;
            }
            (Value | FirstValue, b'{') => {
                self.nesting.open(true)?;
                if facts.open_object() {
                    progress = Progress::ToolBegin;
                }
                self.expect = FirstKey;
            }
            (Value | FirstValue, b'[') => {
                self.nesting.open(false)?;
                facts.open_array();
                self.expect = FirstValue;
            }
            (Comma | FirstKey, b'}') if self.nesting.is_object() => progress = self.close(facts),
            (Comma | FirstValue, b']') if !self.nesting.is_object() => progress = self.close(facts),
            (Value | FirstValue, _) => {
                self.begin_bare(byte, facts)?;
                return Ok(Progress::More);
            }
            (_, _) => return Err(Flaw::NotJson),
        }
        *bytes = rest;
        Ok(progress)
    }

    fn close(&mut self, facts: &mut Facts) -> Progress {
        self.nesting.close();
        let is_tool = facts.close();
        self.end_value();
        if is_tool { Progress::ToolEnd } else { Progress::More }
    }

    /// A number or a literal. Its first byte is not read here.
    fn begin_bare(&mut self, byte: u8, facts: &mut Facts) -> Result<(), Flaw> {
        let (literal, text): (_, &[u8]) = match byte {
            b'-' | b'0'..=b'9' => {
                self.wanted = facts.begin_number();
                self.number = Number::default();
                self.expect = Expect::InNumber;
                return Ok(());
            }
            b't' => (Literal::True, b"true"),
            b'f' => (Literal::False, b"false"),
            b'n' => (Literal::Null, b"null"),
            _ => return Err(Flaw::NotJson),
        };
        facts.literal(literal);
        self.literal = text;
        self.expect = Expect::InLiteral;
        Ok(())
    }

    fn key(&mut self, bytes: &mut &[u8], facts: &mut Facts) -> Result<(), Flaw> {
        let ended = match self.wanted {
            true => self.quoted.read(bytes, facts.key())?,
            false => self.quoted.read(bytes, &mut Nobody)?,
        };
        if ended {
            if self.wanted {
                facts.end_key();
            }
            self.expect = Expect::Colon;
        }
        Ok(())
    }

    fn string(&mut self, bytes: &mut &[u8], facts: &mut Facts) -> Result<(), Flaw> {
        let ended = match self.wanted {
            true => self.quoted.read(bytes, facts)?,
            false => self.quoted.read(bytes, &mut Nobody)?,
        };
        if ended {
            if self.wanted {
                facts.end_string();
            }
            self.end_value();
        }
        Ok(())
    }

    fn number(&mut self, bytes: &mut &[u8], facts: &mut Facts) -> Result<(), Flaw> {
        if self.number.read(bytes, self.wanted.then(|| facts.number()))? {
            if self.wanted {
                facts.end_number();
            }
            self.end_value();
        }
        Ok(())
    }

    fn literal(&mut self, bytes: &mut &[u8]) -> Result<(), Flaw> {
        while let Some((expected, left)) = self.literal.split_first() {
            let Some((byte, rest)) = bytes.split_first() else { return Ok(()) };
            if byte != expected {
                return Err(Flaw::NotJson);
            }
            (self.literal, *bytes) = (left, rest);
        }
        self.end_value();
        Ok(())
    }

    fn end_value(&mut self) {
        self.expect = if self.nesting.is_outermost() { Expect::Nothing } else { Expect::Comma };
    }
}

/// Without the whitespace of RFC 8259, section 2, at the beginning.
pub(super) fn behind_whitespace(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}
