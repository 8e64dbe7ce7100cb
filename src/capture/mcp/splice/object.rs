//! Finds the members of an object in complete JSON.

use std::borrow::Cow;
use std::ops::Range;

use super::edit::Edit;
use crate::capture::mcp::scan::{KeyText, behind_whitespace, string};

/// An object, and the positions of the members that were asked for.
#[derive(Debug)]
pub(super) struct Object<const N: usize> {
    pub(super) found: [Option<Member>; N],
    /// The position after its last member, or after its brace.
    end: usize,
    is_empty: bool,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    /// Where the key begins, with its quote.
    pub(super) key: usize,
    pub(super) value: Range<usize>,
    /// The comma before it, and the beginning of the member after it.
    comma: Option<usize>,
    next: Option<usize>,
}

impl<const N: usize> Object<N> {
    /// Reads the object that begins there. `None` if there is none, or if readers may disagree on which member has
    /// one of the keys: it occurs twice, or in another letter case.
    pub(super) fn read(json: &[u8], at: usize, keys: [&str; N]) -> Option<Self> {
        let mut reader = ObjectReader { json, at };
        reader.token(b'{')?;
        let mut object = Self { found: [const { None }; N], end: reader.at, is_empty: true };
        if reader.peek()? == b'}' {
            return Some(object);
        }
        let (mut comma, mut last) = (None, None);
        loop {
            reader.peek()?;
            let begin = reader.at;
            if let Some(before) = last.and_then(|last: usize| object.found.get_mut(last)).and_then(Option::as_mut) {
                before.next = Some(begin);
            }
            let key = reader.key()?;
            reader.token(b':')?;
            reader.peek()?;
            let value = reader.at..reader.value()?;
            last = keys.iter().position(|wanted| folded(key.bytes()).eq_ignore_ascii_case(wanted.as_bytes()));
            if let Some((wanted, place)) = last.and_then(|last| Some((*keys.get(last)?, object.found.get_mut(last)?))) {
                if place.is_some() || key.bytes() != wanted.as_bytes() {
                    return None;
                }
                *place = Some(Member { key: begin, value: value.clone(), comma, next: None });
            }
            (object.end, object.is_empty) = (value.end, false);
            match reader.peek()? {
                b',' => {
                    comma = Some(reader.at);
                    reader.token(b',')?;
                }
                b'}' => return Some(object),
                _ => return None,
            }
        }
    }

    /// Adds a member after all others.
    pub(super) fn with(&self, member: &str) -> Edit {
        let comma = if self.is_empty { "" } else { "," };
        Edit { bytes: self.end..self.end, text: format!("{comma}{member}") }
    }
}

impl Member {
    /// Removes it, with one of the commas next to it.
    pub(super) fn removed(&self) -> Edit {
        let bytes = match (self.comma, self.next) {
            (Some(comma), _) => comma..self.value.end,
            (None, Some(next)) => self.key..next,
            (None, None) => self.key..self.value.end,
        };
        Edit { bytes, text: String::new() }
    }
}

/// The positions of the elements of the array that begins there, and of its end.
pub(super) fn elements(json: &[u8], at: usize) -> Option<(Vec<usize>, usize)> {
    let mut reader = ObjectReader { json, at };
    reader.token(b'[')?;
    let mut elements = Vec::new();
    loop {
        reader.peek()?;
        elements.push(reader.at);
        reader.value()?;
        match reader.peek()? {
            b',' => reader.token(b',')?,
            b']' => return Some((elements, reader.at + 1)),
            _ => return None,
        }
    }
}

/// The end of the value that begins there.
pub(super) fn behind_value(json: &[u8], at: usize) -> Option<usize> {
    ObjectReader { json, at }.value()
}

/// Replaces the one character that Unicode folding turns into an ASCII letter of our keys (the one for `k` is in none
/// of them).
fn folded(key: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(key) {
        Ok(text) if text.contains(LONG_S) => Cow::Owned(text.replace(LONG_S, "s").into_bytes()),
        _ => Cow::Borrowed(key),
    }
}

const LONG_S: char = '\u{17f}';

struct ObjectReader<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> ObjectReader<'a> {
    /// The next byte that is not whitespace; the position is then at it.
    fn peek(&mut self) -> Option<u8> {
        let rest = behind_whitespace(self.rest());
        self.at = self.json.len() - rest.len();
        rest.first().copied()
    }

    fn token(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn key(&mut self) -> Option<KeyText> {
        self.token(b'"')?;
        let (key, length) = string(self.rest())?;
        self.at += length;
        Some(key)
    }

    /// Skips the value at this position, and returns the new position.
    fn value(&mut self) -> Option<usize> {
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            match rest.first()? {
                b'"' => {
                    self.at += 1;
                    self.at += string(self.rest())?.1;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                // The bytes between the values of a nested one, or a number or a literal.
                _ => {
                    let ends = |byte: &u8| match depth {
                        0 => matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'),
                        _ => matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'),
                    };
                    let length = rest.iter().position(ends).unwrap_or(rest.len());
                    if length == 0 {
                        return None;
                    }
                    self.at += length;
                }
            }
            if depth == 0 {
                return Some(self.at);
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.json.get(self.at..).unwrap_or_default()
    }
}
