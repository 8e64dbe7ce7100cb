//! Strings that look random: their letters and digits alternate as those of words and numbers do not.

/// Whether a run of characters of base64 or hexadecimal text looks random.
pub(super) fn is_random(piece: &[u8]) -> bool {
    if piece.len() < SHORTEST || is_uuid(piece) {
        return false;
    }
    let sample = piece.get(..LONGEST.min(piece.len())).unwrap_or_default();
    let (mut letters, mut numerals, mut changes, mut before) = (0_u32, 0_u32, 0_u32, Class::Other);
    for byte in sample {
        let class = Class::of(*byte);
        letters += u32::from(matches!(class, Class::Upper | Class::Lower));
        numerals += u32::from(class == Class::Digit);
        changes += u32::from(class != before && class != Class::Other && before != Class::Other);
        before = class;
    }
    let all = letters + numerals;
    // A quarter of the steps changes between upper case, lower case and digits; in random text, two fifths do at least.
    let alternates = changes * 4 >= all;
    numerals > 0 && letters * 7 >= all && alternates && bits(sample) >= least(sample)
}

/// The entropy of a text in bits per byte, from how often each byte is in it (Shannon).
pub(super) fn bits(text: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    let sample = text.get(..LONGEST.min(text.len())).unwrap_or_default();
    for byte in sample {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f32::from(u16::try_from(sample.len()).unwrap_or(u16::MAX)).max(1.0);
    let parts = counts.iter().filter(|count| **count > 0).map(|count| {
        let part = f32::from(*count) / length;
        -part * part.log2()
    });
    parts.sum()
}

/// What a random text of that length nearly always has: hexadecimal digits have four bits at most, and a short text has no more
/// different characters than it is long.
fn least(sample: &[u8]) -> f32 {
    match (sample.iter().all(u8::is_ascii_hexdigit), sample.len()) {
        (true, _) => 3.0,
        (false, ..=31) => 3.5,
        (false, ..=63) => 3.9,
        (false, _) => 4.3,
    }
}

/// `8-4-4-4-12` digits: an identifier that many systems print everywhere.
fn is_uuid(piece: &[u8]) -> bool {
    piece.len() == 36
        && piece.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Digit,
    Other,
}

impl Class {
    fn of(byte: u8) -> Self {
        match byte {
            b'A'..=b'Z' => Self::Upper,
            b'a'..=b'z' => Self::Lower,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Other,
        }
    }
}

/// A shorter one is as likely an identifier.
const SHORTEST: usize = 20;
/// More of it says nothing more.
const LONGEST: usize = 1024;
