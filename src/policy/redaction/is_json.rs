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
