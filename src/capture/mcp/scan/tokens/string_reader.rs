//! Strings (RFC 8259, section 7), decoded. Escapes, surrogate pairs and the bytes of one character may be split
//! between pieces.

use crate::capture::mcp::message::Flaw;

/// A reader of one string, after its first quote. When a string has ended, it is ready for the next one.
#[derive(Debug, Clone, Default)]
pub(crate) struct StringReader {
    at: StringState,
    /// The first half of a surrogate pair, whose second half may follow.
    high: Option<u16>,
    partial: Partial,
    /// The string contained invalid UTF-8.
    is_lossy: bool,
}

/// Receives the content of a string.
pub(crate) trait StringSink {
    /// Whether it ignores the text, so that none has to be built.
    const IS_NOBODY: bool = false;

    /// The next characters.
    fn text(&mut self, piece: &str);

    /// Half a surrogate pair, which is not a character. U+FFFD replaces it.
    fn lone_surrogate(&mut self, _unit: u16) {
        self.text(REPLACEMENT);
    }
}

/// For strings that are not wanted.
#[derive(Debug)]
pub(crate) struct Discard;

#[derive(Debug, Clone, Copy, Default)]
enum StringState {
    #[default]
    Plain,
    /// After a backslash.
    Escape,
    /// After `\u`: the digits so far.
    Hex { digits: u8, unit: u16 },
}

impl StringReader {
    /// Reads on; returns whether the string has ended, and the rest.
    pub(crate) fn read<'a, S: StringSink>(
        &mut self,
        mut bytes: &'a [u8],
        sink: &mut S,
    ) -> Result<(bool, &'a [u8]), Flaw> {
        loop {
            if let StringState::Plain = self.at {
                bytes = self.plain(bytes, sink);
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok((false, bytes)) };
            bytes = rest;
            self.at = match (self.at, byte) {
                (StringState::Plain, b'"') => {
                    self.flush(sink);
                    return Ok((true, bytes));
                }
                (StringState::Plain, b'\\') => StringState::Escape,
                // A control character.
                (StringState::Plain, _) => return Err(Flaw::NotJson),
                (StringState::Escape, b'u') => match rest.split_first_chunk::<4>() {
                    Some((digits, rest)) => {
                        bytes = rest;
                        let unit = digits.iter().try_fold(0, |unit, digit| with_digit(unit, *digit));
                        self.unit(unit.ok_or(Flaw::NotJson)?, sink);
                        StringState::Plain
                    }
                    None => StringState::Hex { digits: 0, unit: 0 },
                },
                (StringState::Escape, _) => {
                    self.flush(sink);
                    sink.text(escaped(byte).ok_or(Flaw::NotJson)?);
                    StringState::Plain
                }
                (StringState::Hex { digits, unit }, _) => {
                    let unit = with_digit(unit, byte).ok_or(Flaw::NotJson)?;
                    if digits < 3 {
                        StringState::Hex { digits: digits + 1, unit }
                    } else {
                        self.unit(unit, sink);
                        StringState::Plain
                    }
                }
            };
        }
    }

    /// Consumes characters up to a quote, a backslash or a control character, or all bytes, and returns the rest.
    fn plain<'a, S: StringSink>(&mut self, mut bytes: &'a [u8], sink: &mut S) -> &'a [u8] {
        while !self.partial.is_empty() {
            let Some((&byte, rest)) = bytes.split_first() else { return bytes };
            match self.partial.push(byte) {
                Utf8Step::Begun => bytes = rest,
                Utf8Step::Character(character) => {
                    sink.text(character);
                    bytes = rest;
                }
                // The byte belongs to what follows.
                Utf8Step::Nothing => self.invalid(sink),
            }
        }
        let (length, is_ascii) = plain_length(bytes);
        let Some((mut run, rest)) = bytes.split_at_checked(length).filter(|(run, _)| !run.is_empty()) else {
            return bytes;
        };
        self.flush(sink);
        if S::IS_NOBODY && is_ascii {
            return rest;
        }
        loop {
            let error = match str::from_utf8(run) {
                Ok(run) => {
                    sink.text(run);
                    return rest;
                }
                Err(error) => error,
            };
            let (whole, behind) = run.split_at_checked(error.valid_up_to()).unwrap_or_default();
            sink.text(str::from_utf8(whole).unwrap_or_default());
            if error.error_len().is_none() && rest.is_empty() {
                // The bytes end inside a character.
                self.partial.begin(behind);
                return rest;
            }
            self.invalid(sink);
            run = error.error_len().and_then(|length| behind.get(length..)).unwrap_or_default();
        }
    }

    /// Whether the string that has ended contained invalid UTF-8.
    pub(crate) fn take_lossy(&mut self) -> bool {
        std::mem::take(&mut self.is_lossy)
    }

    /// Invalid UTF-8: each maximal part that could have begun a character becomes one U+FFFD, as in the decoders of
    /// Python (`errors="replace"`), Node.js and browsers.
    fn invalid<S: StringSink>(&mut self, sink: &mut S) {
        self.is_lossy = true;
        sink.text(REPLACEMENT);
    }

    /// An escaped unit of UTF-16.
    fn unit<S: StringSink>(&mut self, unit: u16, sink: &mut S) {
        let pair = self.high.map(|high| char::decode_utf16([high, unit]).next());
        if let Some(Some(Ok(character))) = pair {
            self.high = None;
            return sink.text(character.encode_utf8(&mut [0; 4]));
        }
        self.flush(sink);
        match char::from_u32(u32::from(unit)) {
            Some(character) => sink.text(character.encode_utf8(&mut [0; 4])),
            None if (0xd800..0xdc00).contains(&unit) => self.high = Some(unit),
            None => sink.lone_surrogate(unit),
        }
    }

    /// The second half of a pair did not follow.
    fn flush<S: StringSink>(&mut self, sink: &mut S) {
        if let Some(unit) = self.high.take() {
            sink.lone_surrogate(unit);
        }
    }
}

impl StringSink for Discard {
    const IS_NOBODY: bool = true;

    fn text(&mut self, _: &str) {}
}

/// The character for the byte after a backslash, if it is allowed.
fn escaped(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'"' => "\"",
        b'\\' => "\\",
        b'/' => "/",
        b'b' => "\u{8}",
        b'f' => "\u{c}",
        b'n' => "\n",
        b'r' => "\r",
        b't' => "\t",
        _ => return None,
    })
}

/// Adds one hexadecimal digit.
fn with_digit(unit: u16, byte: u8) -> Option<u16> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => return None,
    };
    Some(unit << 4 | u16::from(digit))
}

/// The first bytes of a character.
#[derive(Debug, Clone, Default)]
struct Partial {
    bytes: [u8; 4],
    length: usize,
}

impl Partial {
    fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn begin(&mut self, bytes: &[u8]) {
        for (to, from) in self.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.length = bytes.len();
    }

    /// Adds one byte, if it can belong to the character.
    fn push(&mut self, byte: u8) -> Utf8Step<'_> {
        let length = self.length;
        if let Some(to) = self.bytes.get_mut(length) {
            *to = byte;
        }
        self.length = 0;
        match self.bytes.get(..=length).map(str::from_utf8) {
            Some(Ok(character)) => Utf8Step::Character(character),
            Some(Err(error)) if error.error_len().is_none() => {
                self.length = length + 1;
                Utf8Step::Begun
            }
            _ => Utf8Step::Nothing,
        }
    }
}

/// What a byte makes of those before.
enum Utf8Step<'a> {
    Begun,
    Character(&'a str),
    /// The bytes before are not a character, and are dropped.
    Nothing,
}

/// A simple key and the bytes after its quote: the key is complete, and ASCII without escapes.
pub(crate) fn simple_key(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let window = bytes.get(..SIMPLE_KEY).unwrap_or(bytes);
    let (length, is_ascii) = plain_length(window);
    let (key, behind) = bytes.split_at_checked(length).filter(|_| is_ascii)?;
    Some((key, behind.strip_prefix(b"\"")?))
}

/// How many bytes stand for themselves, and whether all of them are ASCII. Eight at a time: each of the three tests
/// below sets the highest bit of the bytes that it finds. It may also set bits of bytes after the first one, never
/// before it.
fn plain_length(bytes: &[u8]) -> (usize, bool) {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut length = 0;
    let mut wide = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let quotes = quote.wrapping_sub(ONES) & !quote;
        let backslashes = backslash.wrapping_sub(ONES) & !backslash;
        let found = (controls | quotes | backslashes) & HIGHS;
        wide |= word & HIGHS;
        if found != 0 {
            // If only a later byte is not ASCII, this may return false, which is harmless.
            return (length + found.trailing_zeros() as usize / 8, wide == 0);
        }
        length += 8;
    }
    let plain = tail.iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count();
    (length + plain, wide == 0 && tail.is_ascii())
}

/// How far a simple key is searched, so that nothing long is read twice.
const SIMPLE_KEY: usize = 64;
const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = ONES << 7;

/// U+FFFD, which replaces lone surrogates.
pub(crate) const REPLACEMENT: &str = "\u{fffd}";
