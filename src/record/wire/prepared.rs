//! Attributes of which the most is encoded before: of a field by its call site, of a constant by the compiler.

use super::{
    ATTRIBUTES, DOUBLE_VALUE, INT_VALUE, KEY, SIXTY_FOUR_BIT, STRING_VALUE, VALUE, VARINT, bytes_field,
    given_attribute, scalar_length, tag, text_attribute, varint,
};
use crate::record::value::{Given, Scalar};

/// The attribute of a key up to its text, with zeros for the three lengths that the text decides, if they are as short as
/// nearly all are. Of one size, so that a copy needs no call.
#[derive(Debug, Clone)]
pub(in crate::record) struct Head {
    bytes: [u8; HEAD],
    /// How many of the bytes count; 0 for a key that is too long for it.
    length: usize,
}

impl Head {
    pub(in crate::record) fn new(key: &str) -> Self {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(&[tag(ATTRIBUTES), 0]);
        bytes_field(&mut head, KEY, key.as_bytes());
        head.extend_from_slice(&[tag(VALUE), 0, tag(STRING_VALUE), 0]);
        let length = if head.len() <= HEAD { head.len() } else { 0 };
        head.resize(HEAD, 0);
        Self { bytes: head.first_chunk().copied().unwrap_or([0; HEAD]), length }
    }

    /// Writes it, with those lengths, before a content of the value of which the head has that much.
    #[inline]
    fn write(&self, buffer: &mut Vec<u8>, any: usize, content: usize) -> bool {
        let whole = (self.length + any).saturating_sub(4);
        if self.length == 0 || whole >= 0x80 {
            return false;
        }
        let start = buffer.len();
        buffer.extend_from_slice(&self.bytes);
        buffer.truncate(start + self.length - 2 + content);
        // Both are less than 0x80: see above.
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let (whole, any) = (whole as u8, any as u8);
        if let Some(head) = buffer.get_mut(start..)
            && let Some(place) = head.get_mut(1)
        {
            *place = whole;
            if let Some(place) = head.get_mut(self.length - 3) {
                *place = any;
            }
        }
        true
    }
}

/// What [`text_attribute`] writes, with the [`Head`] of the key.
#[inline]
pub(in crate::record) fn prepared_text(buffer: &mut Vec<u8>, key: &str, head: &Head, text: &str) {
    match u8::try_from(text.len()) {
        Ok(short @ ..0x7E) if head.write(buffer, 2 + text.len(), 2) => {
            if let Some(length) = buffer.last_mut() {
                *length = short;
            }
            buffer.extend_from_slice(text.as_bytes());
        }
        _ => text_attribute(buffer, key, text.as_bytes()),
    }
}

/// What [`given_attribute`] writes, with the [`Head`] of the key.
pub(in crate::record) fn prepared_attribute(buffer: &mut Vec<u8>, key: &str, head: &Head, given: Given<'_>) {
    let Given { scalar, in_list } = given;
    match scalar {
        Scalar::Str(text) if !in_list => prepared_text(buffer, key, head, text),
        Scalar::Int(number) if !in_list && head.write(buffer, scalar_length(scalar), 0) => {
            buffer.push((INT_VALUE << 3) | VARINT);
            varint(buffer, number.cast_unsigned());
        }
        _ => given_attribute(buffer, key, given),
    }
}

/// How many bytes [`fixed_attribute`] has.
pub(crate) const fn fixed_length(key: &str, text: &str) -> usize {
    FIXED + key.len() + text.len()
}

/// A short string attribute, for a constant.
#[expect(clippy::cast_possible_truncation, reason = "what is too long does not compile")]
pub(crate) const fn fixed_attribute<const LENGTH: usize>(key: &str, text: &str) -> [u8; LENGTH] {
    assert!(LENGTH == fixed_length(key, text), "the length of something else");
    let value = [tag(STRING_VALUE), text.len() as u8];
    put(put(fixed_head(key, text.len() + 2), FIXED - 2 + key.len(), &value), FIXED + key.len(), text.as_bytes())
}

/// How many bytes [`fixed_double`] has.
pub(in crate::record) const fn fixed_double_length(key: &str) -> usize {
    FIXED - 1 + key.len()
}

/// A double attribute up to its eight bytes, for a constant.
pub(in crate::record) const fn fixed_double<const LENGTH: usize>(key: &str) -> [u8; LENGTH] {
    assert!(LENGTH == fixed_double_length(key), "the length of something else");
    put(fixed_head(key, 9), LENGTH - 1, &[(DOUBLE_VALUE << 3) | SIXTY_FOUR_BIT])
}

/// Everything up to the content of an `AnyValue` of that length.
#[expect(clippy::cast_possible_truncation, reason = "what is too long does not compile")]
const fn fixed_head<const LENGTH: usize>(key: &str, any: usize) -> [u8; LENGTH] {
    let whole = key.len() + 4 + any;
    assert!(whole < 0x80 && !key.is_empty(), "not as short as all constants are");
    let begin = [tag(ATTRIBUTES), whole as u8, tag(KEY), key.len() as u8];
    let bytes = put(put([0; LENGTH], 0, &begin), begin.len(), key.as_bytes());
    put(bytes, begin.len() + key.len(), &[tag(VALUE), any as u8])
}

#[expect(clippy::indexing_slicing, reason = "what is too long does not compile")]
const fn put<const LENGTH: usize>(mut bytes: [u8; LENGTH], at: usize, part: &[u8]) -> [u8; LENGTH] {
    let mut index = 0;
    while index < part.len() {
        bytes[at + index] = part[index];
        index += 1;
    }
    bytes
}

/// Longer than the head of any name of the contract.
const HEAD: usize = 64;
/// Lengths, field keys and types of a short string attribute.
const FIXED: usize = 8;
