//! Reads the fields of protobuf messages without decoding them.
//!
//! Bytes that the encoder of this room has written are read by [`leading`] and [`leading_fixed64`], which know what comes
//! first; those of others by [`walk`], which goes through any bytes to their end or to an error.

#[cfg(test)]
mod tests;
#[cfg(feature = "serve")]
pub(crate) mod walk;

/// Why bytes do not begin with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoVarint {
    /// They end before it does.
    Truncated,
    /// It has more than 64 bits.
    TooLong,
}

/// Splits a number of variable length off.
#[inline]
pub(super) fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), NoVarint> {
    match bytes.split_first() {
        Some((&byte @ ..0x80, rest)) => Ok((byte.into(), rest)),
        _ => long_varint(bytes),
    }
}

fn long_varint(mut bytes: &[u8]) -> Result<(u64, &[u8]), NoVarint> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(NoVarint::Truncated)?;
        bytes = rest;
        if shift == LAST_SHIFT && byte > 1 {
            break;
        }
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok((number, bytes));
        }
    }
    Err(NoVarint::TooLong)
}

/// Splits the content of a length-delimited field off, if the bytes begin with the field of that one-byte key.
#[inline]
pub(super) fn leading(bytes: &[u8], key: u8) -> Option<(&[u8], &[u8])> {
    let rest = behind(bytes, key)?;
    let (length, rest) = varint(rest).ok()?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// The value of a `fixed64` field, if the bytes begin with the field of that one-byte key.
pub(super) fn leading_fixed64(bytes: &[u8], key: u8) -> Option<u64> {
    behind(bytes, key)?.first_chunk().map(|value| u64::from_le_bytes(*value))
}

#[inline]
fn behind(bytes: &[u8], key: u8) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    (*first == key).then_some(rest)
}

/// The tenth byte of a number has room for one bit.
const LAST_SHIFT: u32 = 63;
