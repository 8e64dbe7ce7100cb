//! Looks once into text that is percent-encoded, base64 or hexadecimal. What is found there hides the whole encoded piece.

use super::scan::{Finding, Scan};
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Exhausted;

/// Looks into each part of a text, between spaces and the separators of URLs, that has percent-encoded characters.
pub(super) fn percent(text: &[u8], scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'%', text.get(from..).unwrap_or_default()).map(|at| from + at) {
        let before = text.get(from..at).unwrap_or_default();
        let start = from + before.iter().rposition(|byte| is_separator(*byte)).map_or(0, |separator| separator + 1);
        let rest = text.get(at..).unwrap_or_default();
        let end = at + rest.iter().position(|byte| is_separator(*byte)).unwrap_or(rest.len());
        from = end;
        if let Some(decoded) = percent_decoded(text.get(start..end).unwrap_or_default()) {
            look(&decoded, start, end, scan)?;
        }
    }
    Ok(())
}

/// Looks into a run of characters at that place of a text, if it is encoded text.
pub(super) fn base64_or_hex(text: &[u8], start: usize, piece: &[u8], scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    // Most runs are something else, and no text when they are decoded: that is seen at the first bytes.
    let is_hex = piece.iter().all(u8::is_ascii_hexdigit);
    let decode: Decode = match is_hex && piece.len().is_multiple_of(2) && hex_bytes(piece).take(HEAD).all(is_text) {
        true => |piece| hex_bytes(piece).collect(),
        false if piece.len() % 4 != 1 && base64_bytes(piece).take(HEAD).all(is_text) => {
            |piece| base64_bytes(piece).collect()
        }
        false => return Ok(()),
    };
    scan.work.spend(piece.len())?;
    let Some(decoded) = decode(piece) else { return Ok(()) };
    let after = text.get(start + piece.len()..).unwrap_or_default();
    let padding = after.iter().take(2).take_while(|byte| **byte == b'=').count();
    look(&decoded, start, start + piece.len() + padding, scan)
}

fn look(decoded: &[u8], start: usize, end: usize, scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    let mut found = Vec::new();
    let on = scan.on.without(Detector::Entropy);
    let look = scan.look;
    look(&mut Scan { on, work: scan.work, found: &mut found, look, is_decoded: true }, decoded)?;
    scan.found.extend(found.first().map(|finding| Finding { start, end, ..*finding }));
    Ok(())
}

type Decode = fn(&[u8]) -> Option<Vec<u8>>;

fn hex_bytes(piece: &[u8]) -> impl Iterator<Item = Option<u8>> {
    piece.chunks_exact(2).map(|pair| Some(hex(*pair.first()?)? << 4 | hex(*pair.get(1)?)?))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Of both alphabets, without padding.
fn base64_bytes(piece: &[u8]) -> impl Iterator<Item = Option<u8>> {
    piece.chunks(4).flat_map(|group| {
        let bits = group.iter().try_fold(0_u32, |bits, digit| Some(bits << 6 | sextet(*digit)?));
        let [_, bytes @ ..] = bits.map(|bits| bits << (6 * (4 - group.len()))).unwrap_or_default().to_be_bytes();
        bytes.into_iter().take(group.len() - 1).map(move |byte| bits.map(|_| byte))
    })
}

fn sextet(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let (mut decoded, mut is_encoded, mut at) = (Vec::with_capacity(text.len()), false, 0);
    while let Some(byte) = text.get(at) {
        let digits = text.get(at + 1).zip(text.get(at + 2)).filter(|_| *byte == b'%');
        match digits.and_then(|(high, low)| Some(hex(*high)? << 4 | hex(*low)?)) {
            Some(character) => {
                decoded.push(character);
                is_encoded = true;
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    is_encoded.then_some(decoded)
}

fn is_text(byte: Option<u8>) -> bool {
    matches!(byte, Some(b'\t' | b'\n' | b'\r' | 0x20..=0x7E))
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'&' | b'?' | b'#' | b'=' | b';' | b',' | b'/')
}

/// Of base64; half of it are eight bytes in hexadecimal digits.
pub(super) const SHORTEST: usize = 16;
/// As many bytes as the shortest has at least: random ones are all text once in two thousand times.
const HEAD: usize = 8;
