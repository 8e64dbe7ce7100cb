//! What others said, in places where a person reads it.

use std::borrow::Cow;

/// As one line that no terminal takes for a command, and nobody reads in another order than it stands there.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hidden) {
        Cow::Owned(text.chars().fold(String::new(), escaped))
    } else {
        Cow::Borrowed(text)
    }
}

fn escaped(mut text: String, c: char) -> String {
    match is_hidden(c) {
        true => text.extend(c.escape_default()),
        false => text.push(c),
    }
    text
}

/// Control characters (C0, C1, DEL), and those that are not seen themselves but change what is: the marks, embeddings,
/// overrides and isolates of the bidirectional algorithm (UAX #9), separators of lines and paragraphs, what has no width, and
/// tags.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_that_is_not_seen_is_left() {
        for (text, shown) in [
            ("plain \u{e9}\u{1f600}", "plain \u{e9}\u{1f600}"),
            ("a\nb\r\t\u{1b}[2J", "a\\nb\\r\\t\\u{1b}[2J"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("\u{202e}txt.exe\u{2066}\u{2069}", "\\u{202e}txt.exe\\u{2066}\\u{2069}"),
            ("\u{200e}\u{200f}\u{61c}\u{200b}\u{feff}", "\\u{200e}\\u{200f}\\u{61c}\\u{200b}\\u{feff}"),
            ("\u{2028}\u{2029}\u{e0041}", "\\u{2028}\\u{2029}\\u{e0041}"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
