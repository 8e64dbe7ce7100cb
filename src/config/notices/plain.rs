//! Makes text from others safe to print.

use std::borrow::Cow;

/// The text as one line that no terminal interprets as commands, and that reads in the order of its characters.
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

/// Whether it is a control character (C0, C1, DEL), or an invisible character that changes what is shown: marks,
/// embeddings, overrides and isolates of the bidirectional algorithm (UAX #9), line and paragraph separators,
/// zero-width characters, and tags.
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
