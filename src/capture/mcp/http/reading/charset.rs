//! The `charset` that a request declares.
//!
//! JSON is UTF-8 (RFC 8259, section 8.1), and most servers ignore the charset. Some do not: Express reads every name that begins
//! with `utf-`, including `utf-7`, and the TypeScript SDK's transport of 2024-11-05 reads all charsets of iconv-lite. To them, the
//! bytes of one call can be another call.
//!
//! Invariant: a name counts as known only if no reader can find another one. So the field is not parsed: wherever
//! `charset` occurs in it, in quotes, in a second field or in another spelling (`charset*=`), a known name must
//! follow.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem;

/// The declared charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// None, or an encoding of Unicode, which the bytes show on their own, or ASCII.
    Unicode,
    /// Another one in which braces are as in ASCII.
    LikeAscii,
    /// Any other.
    Any,
}

impl Charset {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CONTENT_TYPE).iter().map(|value| value.as_bytes().to_ascii_lowercase());
        values.fold(Self::Unicode, |said, value| worse(said, of_value(&value)))
    }
}

fn of_value(value: &[u8]) -> Charset {
    let behind = memmem::find_iter(value, NAME).filter_map(|at| value.get(at + NAME.len()..));
    behind.fold(Charset::Unicode, |said, rest| worse(said, named(rest).map_or(Charset::Any, of_name)))
}

/// The name after `charset`, if it is written as one.
fn named(rest: &[u8]) -> Option<&str> {
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    let quoted = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
    let end = quoted.iter().position(|byte| !is_of_name(*byte)).unwrap_or(quoted.len());
    let (name, behind) = quoted.split_at_checked(end)?;
    let behind = behind.strip_prefix(b"\"").or(behind.strip_prefix(b"'")).unwrap_or(behind);
    let ends = matches!(behind.trim_ascii_start().first(), None | Some(b';' | b','));
    str::from_utf8(name).ok().filter(|_| ends)
}

fn of_name(name: &str) -> Charset {
    let is_one = |known: &&str| name == *known || known.ends_with('-') && name.starts_with(*known);
    if UNICODE.contains(&name) {
        Charset::Unicode
    } else if LIKE_ASCII.iter().any(is_one) {
        Charset::LikeAscii
    } else {
        Charset::Any
    }
}

fn worse(one: Charset, other: Charset) -> Charset {
    match (one, other) {
        (Charset::Any, _) | (_, Charset::Any) => Charset::Any,
        (Charset::LikeAscii, _) | (_, Charset::LikeAscii) => Charset::LikeAscii,
        _ => Charset::Unicode,
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':')
}

const NAME: &[u8] = b"charset";
/// The bytes show UTF-16 and UTF-32: no bytes are JSON in two of these, or in one of these and in UTF-8.
const UNICODE: [&str; 11] =
    ["", "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-32be"];
/// Charsets of old forms. A whole name, or, with a hyphen at its end, a prefix.
const LIKE_ASCII: [&str; 10] =
    ["latin1", "iso-8859-", "windows-", "cp1252", "shift_jis", "euc-jp", "euc-kr", "gbk", "gb2312", "koi8-"];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&[u8]]) -> Charset {
        let values = values.iter().map(|value| (CONTENT_TYPE, HeaderValue::from_bytes(value).unwrap()));
        Charset::of(&values.collect())
    }

    #[test]
    fn what_is_json_is_in_unicode() {
        for known in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; Charset = 'utf8' ; profile=x",
            "application/json; charset=US-ASCII, application/json; charset=utf-8",
            "application/json; charset=utf-16; profile=x",
            "application/json; charset=UTF-32BE",
            "application/json; charset=",
        ] {
            assert_eq!(of(&[known.as_bytes()]), Charset::Unicode, "{known}");
        }
        assert_eq!(of(&[]), Charset::Unicode);
        assert_eq!(of(&[b"application/json;charset=utf-8", b"a/b"]), Charset::Unicode);
    }

    /// Each of these is another charset to some parser of the field.
    #[test]
    fn another_charset_is_found_however_it_is_written() {
        for other in [
            &b"application/json; charset=utf-7"[..],
            b"application/json; charset=utf-7-imap",
            b"application/json; charset=UTF-7:2000",
            b"application/json; charset=utf-8:2000",
            b"application/json; charset=cp437",
            b"application/json; charset=ebcdic",
            b"a/b; x=y; Charset = IBM037",
            // Of two, the first counts to some, the last to others.
            b"application/json; charset=utf-7; charset=utf-8",
            b"application/json; charset=utf-8; charset=utf-7",
            // In quotes, with escapes, unfinished, behind something in quotes.
            b"application/json; charset=\"utf-7\"",
            b"application/json; charset=\"utf\\-7\"",
            b"application/json; charset=\"utf-7",
            b"application/json; x=\"; charset=utf-7; y=\"",
            b"application/json; x=\"; charset=utf-8; y=\"; charset=utf-7",
            // RFC 2231 and RFC 8187, which Go's parser and Python's know.
            b"application/json; charset*=utf-8''utf-7",
            b"application/json; charset*0=utf; charset*1=-7",
            b"application/json; charset*0*=us-ascii''utf; charset*1*=-7",
            // Not cut short where a byte is no ASCII, or another parser goes on.
            b"application/json; x=\xff; charset=utf-7",
            b"application/json; charset=utf-8 utf-7",
            b"application/json;\tcharset\t=\tutf-7",
        ] {
            assert_eq!(of(&[other]), Charset::Any, "{}", String::from_utf8_lossy(other));
        }
        assert_eq!(of(&[b"application/json", b"application/json;charset=utf-7"]), Charset::Any, "in a second field");
        assert_eq!(of(&[b"application/json;charset=utf-7", b"a/b;charset=utf-8"]), Charset::Any);
    }

    #[test]
    fn some_have_the_braces_of_ascii() {
        for like in ["a/b; charset=latin1", "a/b;charset=ISO-8859-15", "a/b; charset=\"Windows-1252\"", "a;charset=GBK"]
        {
            assert_eq!(of(&[like.as_bytes()]), Charset::LikeAscii, "{like}");
        }
        assert_eq!(of(&[b"a/b; charset=latin1; charset=utf-7"]), Charset::Any);
        assert_eq!(of(&[b"a/b; charset=utf-8; charset=latin1"]), Charset::LikeAscii);
    }
}
