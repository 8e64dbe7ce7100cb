/// The beginning of a text that has no more than so many bytes, cut between two characters.
//
// What `str::floor_char_boundary` is for, which would need Rust 1.91.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
#[test]
fn a_text_is_cut_between_characters() {
    let text = "aä€🦀";
    for (bytes, expected) in
        [(0, ""), (1, "a"), (2, "a"), (3, "aä"), (5, "aä"), (6, "aä€"), (9, "aä€"), (10, text), (99, text)]
    {
        assert_eq!(cut(text, bytes), expected, "{bytes}");
    }
}
