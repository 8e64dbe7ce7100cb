//! The encoding of JSON, before anything is known of it: usually UTF-8, with or without a byte order mark, or UTF-16
//! or UTF-32. A mark decides or, without one, the zeros in the first characters, which are ASCII in all JSON (RFC
//! 4627, section 3; `json.loads` of Python and other parsers still do this).
//!
//! Invariants:
//! 1. No bytes are JSON in two of these encodings, so there is no choice: UTF-8 has no zeros and no `FE` or `FF`, and
//!    UTF-16 and UTF-32 have zeros in each character of the syntax. The `charset` of a header decides nothing.
//! 2. UTF-8 passes unchanged, without a copy, except for the mark.
//! 3. Anything that is not a character becomes a byte that does not occur in UTF-8.

/// Converts successive units of framing to UTF-8, each in any number of pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unicode {
    form: UnicodeForm,
    /// There was a mark, or it is not UTF-8: offsets in the text differ from those of the bytes.
    is_transcoded: bool,
    /// Bytes whose encoding is not decided, or of a character that is not complete.
    begun: [u8; 4],
    length: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// The zeros that may complete the newline after the last unit.
    owed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum UnicodeForm {
    #[default]
    Unknown,
    Utf8,
    Utf16(ByteOrder),
    Utf32(ByteOrder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl Unicode {
    /// Emits the text in pieces, each with whether it was converted.
    pub(crate) fn read(&mut self, mut bytes: &[u8], give: &mut impl FnMut(bool, &[u8])) {
        if self.form == UnicodeForm::Unknown {
            bytes = self.begin(bytes, give);
        }
        match self.form {
            UnicodeForm::Unknown => {}
            UnicodeForm::Utf8 if bytes.is_empty() => {}
            UnicodeForm::Utf8 => give(self.is_transcoded, bytes),
            UnicodeForm::Utf16(_) | UnicodeForm::Utf32(_) => self.wide(bytes, give),
        }
    }

    /// The unit ends here. What is read next belongs to another one, after a newline.
    pub(crate) fn end(&mut self, give: &mut impl FnMut(bool, &[u8])) {
        if self.form == UnicodeForm::Unknown && self.length > 0 {
            self.decide(true, give);
        }
        let left = self.begun.get(..self.length).unwrap_or_default();
        // Zeros are the first half of the newline.
        if left.iter().any(|byte| *byte != 0) || self.high.is_some() {
            give(true, NO_CHARACTER);
        }
        let owed = match self.form {
            UnicodeForm::Utf16(ByteOrder::Little) => 1,
            UnicodeForm::Utf32(ByteOrder::Little) => 3,
            _ => 0,
        };
        *self = Self { owed, ..Self::default() };
    }

    /// Whether the unit is not plain UTF-8, as far as it was read.
    pub(crate) fn is_transcoded(&self) -> bool {
        self.is_transcoded
    }

    /// Whether it is UTF-8 as far as it was read, or nothing was read.
    pub(crate) fn is_narrow(&self) -> bool {
        self.form == UnicodeForm::Utf8 || (self.form == UnicodeForm::Unknown && self.length == 0)
    }

    /// The next byte is not a zero: if there is only one other character before it, the unit is UTF-8.
    pub(crate) fn settle(&mut self, give: &mut impl FnMut(bool, &[u8])) {
        if let (UnicodeForm::Unknown, 1, [first, ..]) = (self.form, self.length, self.begun)
            && !matches!(first, 0 | 0xef | 0xfe | 0xff)
        {
            self.decide(true, give);
        }
    }

    /// The first bytes, until the encoding is known. Returns the rest.
    fn begin<'a>(&mut self, mut bytes: &'a [u8], give: &mut impl FnMut(bool, &[u8])) -> &'a [u8] {
        while let (1.., [0, rest @ ..]) = (self.owed, bytes) {
            (self.owed, bytes) = (self.owed - 1, rest);
        }
        if bytes.is_empty() {
            return bytes;
        }
        self.owed = 0;
        if let ([first, second, ..], 0) = (bytes, self.length)
            && !matches!(first, 0 | 0xef | 0xfe | 0xff)
            && *second != 0
        {
            self.form = UnicodeForm::Utf8;
            return bytes;
        }
        while let (UnicodeForm::Unknown, Some((&byte, rest))) = (self.form, bytes.split_first()) {
            bytes = rest;
            if let Some(place) = self.begun.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
            self.decide(false, give);
        }
        bytes
    }

    fn decide(&mut self, is_end: bool, give: &mut impl FnMut(bool, &[u8])) {
        let (begun, length) = (self.begun, std::mem::take(&mut self.length));
        let begun = begun.get(..length).unwrap_or_default();
        let Some((form, mark)) = form(begun, is_end) else {
            self.length = length;
            return;
        };
        self.form = form;
        self.is_transcoded = form != UnicodeForm::Utf8 || mark > 0;
        self.read(begun.get(mark..).unwrap_or_default(), give);
    }

    fn wide(&mut self, bytes: &[u8], give: &mut impl FnMut(bool, &[u8])) {
        let (size, order) = match self.form {
            UnicodeForm::Utf32(order) => (4, order),
            UnicodeForm::Utf16(order) => (2, order),
            _ => return,
        };
        let mut text = String::with_capacity(AT_ONCE + 4);
        for byte in bytes {
            if let Some(place) = self.begun.get_mut(self.length) {
                *place = *byte;
            }
            self.length += 1;
            if self.length < size {
                continue;
            }
            self.length = 0;
            let code = self.begun.iter().take(size).fold(0, |code, byte| code << 8 | u32::from(*byte));
            let code = match order {
                ByteOrder::Big => code,
                ByteOrder::Little => code.swap_bytes() >> (32 - 8 * size),
            };
            match self.character(code, size) {
                Next::Character(character) => text.push(character),
                Next::More => {}
                Next::None => {
                    give(true, text.as_bytes());
                    give(true, NO_CHARACTER);
                    text.clear();
                    // A second half without a first one may be a character of its own.
                    if let Some(character) = self.high.is_none().then(|| char::from_u32(code)).flatten() {
                        text.push(character);
                    }
                }
            }
            if text.len() >= AT_ONCE {
                give(true, text.as_bytes());
                text.clear();
            }
        }
        if !text.is_empty() {
            give(true, text.as_bytes());
        }
    }

    fn character(&mut self, code: u32, size: usize) -> Next {
        let unit = u16::try_from(code).ok().filter(|_| size == 2);
        if let (Some(high), Some(unit)) = (self.high.take(), unit) {
            return match char::decode_utf16([high, unit]).next() {
                Some(Ok(character)) => Next::Character(character),
                _ => {
                    self.high = Some(unit).filter(|unit| is_high(*unit));
                    Next::None
                }
            };
        }
        match (char::from_u32(code), unit) {
            (Some(character), _) => Next::Character(character),
            (None, Some(unit)) if is_high(unit) => {
                self.high = Some(unit);
                Next::More
            }
            (None, _) => Next::None,
        }
    }
}

/// What a unit of UTF-16 or UTF-32 makes of the units before.
enum Next {
    Character(char),
    More,
    None,
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

/// The encoding of a text that begins so, and the length of its mark; `None` if more bytes are needed.
fn form(begun: &[u8], is_end: bool) -> Option<(UnicodeForm, usize)> {
    use ByteOrder::{Big, Little};
    use UnicodeForm::{Utf8, Utf16, Utf32};
    Some(match *begun {
        [0xef, 0xbb, 0xbf, ..] => (Utf8, 3),
        [0xff, 0xfe, 0, 0, ..] => (Utf32(Little), 4),
        [0, 0, 0xfe, 0xff, ..] => (Utf32(Big), 4),
        // JSON begins so in no encoding; in this one, it may follow.
        [0x0b | 0x0c | 0x1c..=0x1e, ..] => (Utf8, 0),
        [0xff, 0xfe] | [0xff, 0xfe, 0] if !is_end => return None,
        [0xff, 0xfe, ..] => (Utf16(Little), 2),
        [0xfe, 0xff, ..] => (Utf16(Big), 2),
        [_] | [0xef, 0xbb] | [0, 0] | [0, 0, _] | [_, 0] | [_, 0, 0] if !is_end => return None,
        [0, 0, _, _, ..] => (Utf32(Big), 0),
        [0, 0, ..] => (Utf8, 0),
        [0, _, ..] => (Utf16(Big), 0),
        [_, 0, 0, 0, ..] => (Utf32(Little), 0),
        [_, 0, ..] => (Utf16(Little), 0),
        _ => (Utf8, 0),
    })
}

/// A byte that does not occur in UTF-8.
const NO_CHARACTER: &[u8] = b"\xff";
/// The maximum length of one piece of emitted text.
const AT_ONCE: usize = 1024;
