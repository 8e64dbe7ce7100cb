//! Attributes of which the most is encoded before: those of a field, by its call site.

use super::{
    ATTRIBUTES, INT_VALUE, KEY, STRING_VALUE, VALUE, VARINT, bytes_field, given_attribute, scalar_length, tag,
    text_attribute, varint,
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

/// Longer than the head of any name of the contract.
const HEAD: usize = 64;
