//! Walks through JSON and copies it, but for what is redacted.
//!
//! 1. What nothing touches is copied byte by byte.
//! 2. A value that a rule decides as a whole is walked through, too, so that no broken JSON hides in it, but nothing in it is
//!    looked at.
//! 3. JSON in a string is walked through as if it stood there.

use std::borrow::Cow;

use memchr::memchr2;

use super::is_json;
use super::pass::{Fate, Pass, mask};
use super::path::Step;
use super::redacted::Unread;
use super::strings::{escaped, unescaped};

/// Why a walk ends before the end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is not JSON.
    Malformed,
    Unread(Unread),
}

/// A walk through a text.
pub(super) struct Walk<'c> {
    content: &'c [u8],
    at: usize,
    out: Vec<u8>,
    copied: usize,
    /// How many objects and arrays are open, those around the string with this text among them.
    depth: usize,
    /// How many strings this text is in.
    level: usize,
}

impl<'c> Walk<'c> {
    pub(super) fn of(content: &'c [u8]) -> Self {
        Self { content, at: 0, out: Vec::new(), copied: 0, depth: 0, level: 0 }
    }

    /// Walks through a value, or through lines of objects and arrays.
    pub(super) fn all(mut self, pass: &mut Pass<'_>) -> Result<Fate, Stop> {
        loop {
            let start = self.space();
            let fate = self.value(pass, true)?;
            self.settle(start, fate, b"null");
            if self.space() == self.content.len() {
                break;
            }
            // `4111 1111 1111 1111` is no four values.
            if !matches!(self.peek(), Some(b'{' | b'[')) {
                return Err(Stop::Malformed);
            }
        }
        if self.copied == 0 {
            return Ok(Fate::Stays);
        }
        self.flush(self.content.len());
        Ok(Fate::Replaced(self.out))
    }

    /// One value. If it may not be looked at, it stays.
    fn value(&mut self, pass: &mut Pass<'_>, look: bool) -> Result<Fate, Stop> {
        pass.count_value().map_err(Stop::Unread)?;
        self.space();
        match self.peek() {
            Some(b'{') => self.nested(pass, look, Self::object),
            Some(b'[') => self.nested(pass, look, Self::array),
            Some(b'"') => {
                let text = self.string()?;
                if look { self.text(pass, text) } else { Ok(Fate::Stays) }
            }
            _ => self.literal(pass, look),
        }
    }

    fn nested(&mut self, pass: &mut Pass<'_>, look: bool, walk: Part<'c>) -> Result<Fate, Stop> {
        self.at += 1;
        self.depth += 1;
        if self.depth > pass.compiled.limits.depth {
            return Err(Stop::Unread(Unread::TooDeep));
        }
        walk(self, pass, look)?;
        self.depth -= 1;
        Ok(Fate::Stays)
    }

    fn object(&mut self, pass: &mut Pass<'_>, look: bool) -> Result<(), Stop> {
        let mut last_kept = None;
        self.space();
        if self.took(b'}') {
            return Ok(());
        }
        loop {
            let start = self.space();
            if self.peek() != Some(b'"') {
                return Err(Stop::Malformed);
            }
            let key = self.string()?;
            let key_end = self.at;
            self.space();
            self.require(b':')?;
            let value_start = self.space();
            let written = (self.out.len(), self.copied);
            let fate = if look { self.member(pass, &key, start, key_end)? } else { self.value(pass, false)? };
            let end = self.at;
            self.space();
            let goes_on = self.took(b',');
            match fate {
                Fate::Dropped => {
                    // Its key can be masked already.
                    self.out.truncate(written.0);
                    self.copied = written.1;
                    // With the comma before it, or, where there is none, the one behind it.
                    let from = last_kept.unwrap_or(start);
                    let until = if last_kept.is_none() && goes_on { self.at } else { end };
                    self.flush(from);
                    self.copied = until.max(self.copied);
                }
                fate => {
                    self.settle_from(value_start, end, fate);
                    last_kept = Some(end);
                }
            }
            if !goes_on {
                return self.require(b'}');
            }
        }
    }

    /// The value of a member, by the rule for it or by what is in it.
    fn member(&mut self, pass: &mut Pass<'_>, key: &[u8], start: usize, key_end: usize) -> Result<Fate, Stop> {
        let is_secret = pass.is_secret_key(key).map_err(Stop::Unread)?;
        let name = if is_secret { None } else { pass.compiled.rules.names.id(key) };
        pass.steps.push(Step::Name(name));
        let rule = pass.compiled.rules.of_member(key, &pass.steps, pass.context);
        let shown = rule.and_then(|rule| pass.compiled.rules.rule(rule)).and_then(|rule| rule.shown);
        if let (Some(last), Some(shown)) = (pass.steps.last_mut(), shown) {
            *last = Step::Name(Some(shown));
        }
        if is_secret {
            pass.note();
            self.flush(start);
            self.out.extend_from_slice(MASKED_KEY);
            self.copied = key_end;
        }
        let fate = self.decided(pass, rule);
        pass.steps.pop();
        fate
    }

    fn array(&mut self, pass: &mut Pass<'_>, look: bool) -> Result<(), Stop> {
        self.space();
        if self.took(b']') {
            return Ok(());
        }
        loop {
            let start = self.space();
            pass.steps.push(Step::Index);
            let rule = if look { pass.compiled.rules.of_nameless(&pass.steps, pass.context) } else { None };
            let fate = if look { self.decided(pass, rule) } else { self.value(pass, false) };
            pass.steps.pop();
            // The places of the others stay what they are.
            self.settle(start, fate?, b"null");
            self.space();
            if !self.took(b',') {
                return self.require(b']');
            }
        }
    }

    /// A value by a rule for the whole of it, or by what is in it.
    fn decided(&mut self, pass: &mut Pass<'_>, rule: Option<usize>) -> Result<Fate, Stop> {
        let Some(rule) = rule else { return self.value(pass, true) };
        let start = self.space();
        self.value(pass, false)?;
        let value = self.content.get(start..self.at).unwrap_or_default();
        // Of a string, its characters: then a hash is that of the value which others know, too.
        let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        Ok(match inner {
            Some(inner) => pass.whole(rule, &unescaped(inner).ok_or(Stop::Malformed)?),
            None => pass.whole(rule, value),
        })
    }

    fn text(&mut self, pass: &mut Pass<'_>, text: Cow<'c, [u8]>) -> Result<Fate, Stop> {
        inside(pass, &text, self.depth, self.level)
    }

    /// A number, or a word.
    fn literal(&mut self, pass: &mut Pass<'_>, look: bool) -> Result<Fate, Stop> {
        let rest = self.content.get(self.at..).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let literal = rest.get(..length).unwrap_or_default();
        let is_number = matches!(literal.first(), Some(b'-' | b'0'..=b'9'));
        if !(is_json::is_number(literal) || WORDS.contains(&literal)) {
            return Err(Stop::Malformed);
        }
        self.at += length;
        if look && is_number && length >= SHORTEST_NUMBER {
            return pass.number(literal).map_err(Stop::Unread);
        }
        Ok(Fate::Stays)
    }

    /// The characters of the string that begins here.
    fn string(&mut self) -> Result<Cow<'c, [u8]>, Stop> {
        let start = self.at + 1;
        let (mut from, mut is_escaped) = (start, false);
        loop {
            let rest = self.content.get(from..).unwrap_or_default();
            let at = from + memchr2(b'"', b'\\', rest).ok_or(Stop::Malformed)?;
            if self.content.get(at) == Some(&b'"') {
                self.at = at + 1;
                let inner = self.content.get(start..at).unwrap_or_default();
                return if is_escaped { unescaped(inner).ok_or(Stop::Malformed) } else { Ok(Cow::Borrowed(inner)) };
            }
            is_escaped = true;
            from = at + 2;
        }
    }

    /// Writes what became of the value that ended here. Where it cannot be left out, something stands for it.
    fn settle(&mut self, start: usize, fate: Fate, nothing: &[u8]) {
        match fate {
            Fate::Dropped => {
                self.flush(start);
                self.out.extend_from_slice(nothing);
                self.copied = self.at;
            }
            fate => self.settle_from(start, self.at, fate),
        }
    }

    fn settle_from(&mut self, start: usize, end: usize, fate: Fate) {
        if let Fate::Replaced(text) = fate {
            self.flush(start);
            escaped(&text, &mut self.out);
            self.copied = end;
        }
    }

    fn flush(&mut self, until: usize) {
        self.out.extend_from_slice(self.content.get(self.copied..until).unwrap_or_default());
        self.copied = until.max(self.copied);
    }

    #[inline]
    fn space(&mut self) -> usize {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.at
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.content.get(self.at).copied()
    }

    #[inline]
    fn took(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    fn require(&mut self, byte: u8) -> Result<(), Stop> {
        if self.took(byte) { Ok(()) } else { Err(Stop::Malformed) }
    }
}

/// What a text is, which may be JSON: that of a string, or a content that is no JSON.
fn inside(pass: &mut Pass<'_>, text: &[u8], depth: usize, level: usize) -> Result<Fate, Stop> {
    if !is_json::may_be(text) {
        return pass.text(text).map_err(Stop::Unread);
    }
    let steps = pass.steps.len();
    let walked = match level {
        ..MOST_LEVELS => Walk { depth, level: level + 1, ..Walk::of(text) }.all(pass),
        _ => Err(Stop::Malformed),
    };
    match walked {
        Err(Stop::Malformed) => {
            pass.steps.truncate(steps);
            if is_json::is_meant(text) {
                // What rules would hide in it cannot be found.
                pass.note();
                return Ok(Fate::Replaced(mask(None)));
            }
            pass.text(text).map_err(Stop::Unread)
        }
        walked => walked,
    }
}

type Part<'c> = fn(&mut Walk<'c>, &mut Pass<'_>, bool) -> Result<(), Stop>;

const WORDS: [&[u8]; 3] = [b"true", b"false", b"null"];
const MASKED_KEY: &[u8] = b"\"[redacted]\"";
/// Of a card's number.
const SHORTEST_NUMBER: usize = 13;
/// JSON in a string in JSON in a string: an answer over HTTP as text, and its body. What is in there further is masked.
const MOST_LEVELS: usize = 3;
