//! International bank account numbers (ISO 13616): the length of the country, and the check digits (ISO/IEC 7064, mod 97-10).

use std::ops::Range;

use super::boundaries::is_word;

/// The account number that has that group of digits: the country's letters and the check digits stand a little before.
pub(super) fn around(text: &[u8], group: &Range<usize>) -> Option<Range<usize>> {
    (group.start.saturating_sub(FARTHEST)..=group.start.saturating_sub(2)).find_map(|start| at(text, start))
}

fn at(text: &[u8], start: usize) -> Option<Range<usize>> {
    let [one, two, check, digit] = *text.get(start..start + 4)?.first_chunk()?;
    let is_head =
        one.is_ascii_alphabetic() && two.is_ascii_alphabetic() && check.is_ascii_digit() && digit.is_ascii_digit();
    if !is_head || start.checked_sub(1).is_some_and(|before| is_word(text.get(before))) {
        return None;
    }
    let country = [one.to_ascii_uppercase(), two.to_ascii_uppercase()];
    let length = LENGTHS.iter().find(|(code, _)| code.as_bytes() == country).map(|(_, length)| usize::from(*length))?;
    let (mut characters, mut count, mut end) = ([0_u8; LONGEST], 0, start);
    while count < length {
        let byte = *text.get(end)?;
        if byte.is_ascii_alphanumeric() {
            *characters.get_mut(count)? = byte;
            count += 1;
        } else if !matches!(byte, b' ' | b'-') || !is_word(text.get(end + 1)) {
            return None;
        }
        end += 1;
    }
    (!is_word(text.get(end)) && is_valid(characters.get(..length)?)).then_some(start..end)
}

/// Whether the check digits are right.
pub(super) fn is_valid(iban: &[u8]) -> bool {
    let Some((head, rest)) = iban.split_at_checked(4) else { return false };
    let mut remainder = 0_u32;
    for byte in rest.iter().chain(head) {
        let Some(value) = char::from(*byte).to_digit(36) else { return false };
        remainder = (if value < 10 { remainder * 10 } else { remainder * 100 } + value) % 97;
    }
    remainder == 1
}

/// From the country's letters to the first group of three digits: `GB82 WEST 1234`.
const FARTHEST: usize = 12;
const LONGEST: usize = 34;

/// The length by country, from the IBAN registry of SWIFT (release 99).
#[rustfmt::skip]
const LENGTHS: [(&str, u8); 89] = [
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22), ("BI", 27),
    ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DJ", 27), ("DK", 18), ("DO", 28),
    ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FK", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23),
    ("GL", 18), ("GR", 27), ("GT", 28), ("HN", 28), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26),
    ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LC", 32), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21),
    ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19), ("MN", 20), ("MR", 27), ("MT", 31), ("MU", 30), ("NI", 28),
    ("NL", 18), ("NO", 15), ("OM", 23), ("PK", 24), ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22),
    ("RU", 33), ("SA", 24), ("SC", 31), ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25),
    ("SV", 28), ("TL", 23), ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20), ("YE", 30),
];
