//! The characters of JSON strings.

use std::borrow::Cow;

/// The characters of a string, from between its quotes. `None` if an escape is broken.
pub(super) fn unescaped(inner: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(first) = memchr::memchr(b'\\', inner) else { return Some(Cow::Borrowed(inner)) };
    let mut out = Vec::with_capacity(inner.len());
    out.extend_from_slice(inner.get(..first)?);
    let mut rest = inner.get(first..)?;
    while let Some((_, after)) = rest.split_first() {
        // Here is a backslash, always.
        let (escape, after) = after.split_first()?;
        rest = after;
        let plain = match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, after) = unicode(rest)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = plain_head(after, &mut out);
                continue;
            }
            _ => return None,
        };
        out.push(plain);
        rest = plain_head(rest, &mut out);
    }
    Some(Cow::Owned(out))
}

/// Takes over what is before the next escape; returns what is left.
fn plain_head<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let (plain, rest) = text.split_at(memchr::memchr(b'\\', text).unwrap_or(text.len()));
    out.extend_from_slice(plain);
    rest
}

/// A string with those characters, with its quotes.
pub(super) fn escaped(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            ..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

/// The character of four hexadecimal digits, or of two escapes with a surrogate each. Half of a pair is the replacement character.
fn unicode(rest: &[u8]) -> Option<(char, &[u8])> {
    let (high, after) = unit(rest)?;
    if let Some(character) = char::from_u32(high) {
        return Some((character, after));
    }
    let pair =
        after.strip_prefix(b"\\u").and_then(unit).filter(|(low, _)| high < 0xDC00 && (0xDC00..0xE000).contains(low));
    Some(match pair {
        Some((low, after)) => {
            let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), after)
        }
        None => (char::REPLACEMENT_CHARACTER, after),
    })
}

fn unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = text.split_at_checked(4)?;
    let unit = digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))?;
    Some((unit, after))
}
