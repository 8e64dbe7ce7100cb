//! Digests as text.

/// A digest as it is written in a record.
pub(super) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for digit in [byte >> 4, byte & 15] {
            text.push(DIGITS.get(usize::from(digit)).copied().map_or('0', char::from));
        }
        text
    })
}
