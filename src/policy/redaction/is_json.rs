//! Whether a text is JSON, by its beginning.

/// Whether it can be an object or an array.
#[inline]
pub(super) fn may_be(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Whether it is meant to be one, even if it is broken: `[INFO] started` is not.
pub(super) fn is_meant(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let inner = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    match text.first() {
        Some(b'{') => matches!(inner, Some(b'"' | b'}') | None),
        Some(b'[') => matches!(inner, Some(b'"' | b'{' | b'[')),
        _ => false,
    }
}

/// Whether it is a number (RFC 8259), but for zeros in front. `6161612e616161` is text in hexadecimal digits.
pub(super) fn is_number(literal: &[u8]) -> bool {
    let digits = |text: &mut &[u8]| {
        let length = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        *text = text.get(length..).unwrap_or_default();
        length > 0
    };
    let mut rest = literal.strip_prefix(b"-").unwrap_or(literal);
    if !digits(&mut rest) {
        return false;
    }
    if let Some(mut fraction) = rest.strip_prefix(b".") {
        if !digits(&mut fraction) {
            return false;
        }
        rest = fraction;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        return digits(&mut rest) && rest.is_empty();
    }
    rest.is_empty()
}
