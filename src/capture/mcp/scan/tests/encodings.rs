//! Messages in other encodings than plain UTF-8, and lines that do not end where others see their end.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::super::message::{Flaw, Message, ScanOptions};
use crate::capture::mcp::scan::framing::TextScanner;
use crate::capture::mcp::scan::reference::oracle;
use crate::capture::mcp::scan::scanner::{Documents, Scanner};

/// How a text is written. Nothing here comes from the code that reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Written {
    Utf8Marked,
    Utf16 { big: bool, marked: bool },
    Utf32 { big: bool, marked: bool },
}

const ALL: [Written; 9] = [
    Written::Utf8Marked,
    Written::Utf16 { big: false, marked: false },
    Written::Utf16 { big: false, marked: true },
    Written::Utf16 { big: true, marked: false },
    Written::Utf16 { big: true, marked: true },
    Written::Utf32 { big: false, marked: false },
    Written::Utf32 { big: false, marked: true },
    Written::Utf32 { big: true, marked: false },
    Written::Utf32 { big: true, marked: true },
];

impl Written {
    fn write(self, text: &str) -> Vec<u8> {
        let wide = |mark: bool| format!("{}{text}", if mark { "\u{feff}" } else { "" });
        match self {
            Self::Utf8Marked => wide(true).into_bytes(),
            Self::Utf16 { big, marked } => {
                let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
                wide(marked).encode_utf16().flat_map(bytes).collect()
            }
            Self::Utf32 { big, marked } => {
                let bytes =
                    |unit: char| if big { u32::from(unit).to_be_bytes() } else { u32::from(unit).to_le_bytes() };
                wide(marked).chars().flat_map(bytes).collect()
            }
        }
    }
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Message> {
    let mut texts = TextScanner::new(Arc::new(oracle::everything()), Documents::One);
    let mut messages = Vec::new();
    pieces.into_iter().for_each(|piece| texts.read(piece, &mut |message| messages.push(message)));
    texts.end(&mut |message| messages.push(message));
    messages
}

/// What the scanner says of the text itself.
fn expected(text: &str) -> Vec<Message> {
    let mut scanner = Scanner::new(Arc::new(oracle::everything()), Documents::One);
    let mut messages = Vec::new();
    scanner.read(text.as_bytes(), &mut |message| messages.push(message));
    scanner.end(&mut |message| messages.push(message));
    messages.into_iter().map(|message| Message { is_transcoded: true, ..message }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_is_what_it_is_in_any_encoding(
        method in ".{0,20}", name in any::<String>(), id in any::<i64>(), space in "[ \n\t]{0,3}",
        written in select(&ALL[..]), sizes in proptest::collection::vec(0..9_u8, 0..6),
    ) {
        let text = serde_json::json!({ "id": id, "method": method, "params": { "name": name } }).to_string();
        let text = space + &text;
        let bytes = written.write(&text);
        prop_assert_eq!(read(oracle::pieces(&bytes, &sizes)), expected(&text));
    }

    /// Text that is no JSON, and batches.
    #[test]
    fn so_is_anything_that_begins_with_ascii(
        begin in select(&["[", "{", "1", "[{\"method\":\"a\"},", "\"", "x"][..]), rest in any::<String>(),
        written in select(&ALL[..]), sizes in proptest::collection::vec(0..9_u8, 0..6),
    ) {
        // Two zeros in a row would be another encoding.
        let text = format!("{begin} {rest}");
        let bytes = written.write(&text);
        prop_assert_eq!(read(oracle::pieces(&bytes, &sizes)), expected(&text));
    }

    #[test]
    fn plain_utf_8_passes_as_it_is(text in "[ -~é€]{0,40}", sizes in proptest::collection::vec(0..9_u8, 0..6)) {
        let plain = expected(&text).into_iter().map(|message| Message { is_transcoded: false, ..message });
        prop_assert_eq!(read(oracle::pieces(text.as_bytes(), &sizes)), plain.collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_the_same_in_any_pieces(
        bytes in proptest::collection::vec(select(&b"\x00\x00\x00\xef\xbb\xbf\xfe\xff{}\"1 \r\n"[..]), 0..24),
        sizes in proptest::collection::vec(0..5_u8, 0..6),
    ) {
        prop_assert_eq!(read([&bytes[..]]), read(oracle::pieces(&bytes, &sizes)));
        let reading = Arc::new(oracle::everything());
        prop_assert_eq!(oracle::lines(&reading, [&bytes[..]]), oracle::lines(&reading, oracle::pieces(&bytes, &sizes)));
    }
}

#[test]
fn what_is_cut_off_in_a_character_is_flawed() {
    for written in [Written::Utf16 { big: false, marked: true }, Written::Utf32 { big: true, marked: true }] {
        let mut bytes = written.write("{\"method\":\"ping\"}");
        bytes.push(b'x');
        assert_eq!(read([&bytes[..]])[0].flaw, Some(Flaw::NotJson), "{written:?}");
    }
    let lone = [&b"\xff\xfe{\0\"\0m\0e\0t\0h\0o\0d\0\"\0:\0\"\0"[..], b"\x00\xd8x\0\x00\xdc\"\0}\0"].concat();
    let message = &read([&lone[..]])[0];
    assert_eq!((message.method.as_deref(), message.flaw), (Some("\u{fffd}x\u{fffd}"), None), "lone surrogates");
    assert!(message.doubts.invalid_utf8);
}

/// The lines of a stream in UTF-16 end within a newline, which others would not see.
#[test]
fn lines_are_lines_in_any_encoding() {
    let messages = ["{\"id\":1,\"method\":\"a中\"}", "{\"id\":2,\"method\":\"é\"}", "{\"id\":3,\"method\":\"c\"}"];
    for written in ALL {
        // A mark begins a stream, or each of its lines.
        let bytes = match written {
            Written::Utf8Marked => messages.iter().flat_map(|line| written.write(&format!("{line}\n"))).collect(),
            written => written.write(&(messages.join("\n") + "\n")),
        };
        for piece in [1, 2, 3, bytes.len()] {
            let found = oracle::lines(&Arc::new(ScanOptions::default()), bytes.chunks(piece));
            let methods: Vec<_> = found.iter().map(|(_, message)| (message.method.as_deref(), message.flaw)).collect();
            assert_eq!(methods, [(Some("a中"), None), (Some("é"), None), (Some("c"), None)], "{written:?}");
        }
    }
}

/// No mark hides the lines behind it from us: a reader of UTF-8 sees them.
#[test]
fn a_mark_hides_no_line() {
    for mark in [&b"\xff\xfe"[..], b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\xef\xbb\xbf", b"\0", b"1\0"] {
        let bytes = [mark, b"\n{\"id\":1,\"method\":\"tools/call\"}\n"].concat();
        let found = oracle::lines(&Arc::new(ScanOptions::default()), [&bytes[..]]);
        let last = &found.last().unwrap().1;
        assert_eq!((last.method.as_deref(), last.flaw), (Some("tools/call"), None), "{mark:x?}");
    }
}

/// Python reads standard input in text mode, where a carriage return ends a line, too.
#[test]
fn a_carriage_return_may_end_a_line() {
    let lines = |bytes: &[u8]| {
        let (whole, single) = (&Arc::new(ScanOptions::default()), bytes.chunks(1));
        let found = oracle::lines(whole, [bytes]);
        assert_eq!(found, oracle::lines(whole, single), "byte by byte");
        let told = found.into_iter().map(|(_, message)| {
            (message.method.unwrap_or_default(), message.flaw.is_some(), message.doubts.carriage_return)
        });
        told.collect::<Vec<_>>()
    };
    let told = |method: &str, has_flaw, is_doubtful| (method.to_owned(), has_flaw, is_doubtful);
    let (a, b) = (r#"{"id":1,"method":"a"}"#, r#"{"id":2,"method":"b"}"#);
    assert_eq!(lines(format!("{a}\r\n{b}\r\n").as_bytes()), [told("a", false, false), told("b", false, false)]);
    assert_eq!(
        lines(format!("{a}\r{b}\n{a}\n").as_bytes()),
        [told("a", false, true), told("b", false, true), told("a", false, false)]
    );
    assert_eq!(lines(format!("\r{a}\n").as_bytes()), [told("a", false, false)]);
    assert_eq!(lines(format!("[{a}]\r{b}\n").as_bytes()), [told("a", false, false), told("b", false, true)]);
    assert_eq!(
        lines(format!("{{\"x\":\r{a}\r,\"method\":\"c\"}}\n").as_bytes()),
        [told("a", false, true), told("c", false, true)]
    );
    assert_eq!(lines(format!("{a}\rx\n").as_bytes()), [told("a", false, true), told("a", true, true)]);
    assert_eq!(lines(format!("{a}{b}\n").as_bytes()), [told("a", true, false)]);
}
