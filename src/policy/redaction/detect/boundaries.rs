//! Where words and numbers begin and end.

/// Whether a character is a letter or a digit: a word goes on with it.
#[inline]
pub(super) fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_alphanumeric)
}

/// Where the digits from there on end.
pub(super) fn digits_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
}

/// Whether a number that ends there goes on, or is a part of a word.
pub(super) fn goes_on(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        Some(b'.' | b'-' | b',') => text.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(byte) => byte.is_ascii_alphanumeric() || *byte == b'_',
        None => false,
    }
}

/// Whether a number that begins there is the end of a longer one, or a part of a word.
pub(super) fn goes_back(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1) else { return false };
    match text.get(before) {
        Some(b'.' | b'-' | b',') => before.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit),
        Some(byte) => byte.is_ascii_alphanumeric() || *byte == b'_',
        None => false,
    }
}
