//! Attributes that the compiler encodes.

use super::{ATTRIBUTES, DOUBLE_VALUE, KEY, SIXTY_FOUR_BIT, STRING_VALUE, VALUE, tag};

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

/// Lengths, field keys and types of a short string attribute.
const FIXED: usize = 8;
