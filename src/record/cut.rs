//! Truncation of text.

/// The longest prefix of a text with at most that many bytes that ends between two characters.
// `str::floor_char_boundary` would need Rust 1.91.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}
