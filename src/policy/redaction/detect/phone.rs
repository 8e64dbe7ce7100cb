//! Telephone numbers: international (E.164, with `+` or `00`), North American, and with the trunk digit `0` of many countries.
//!
//! A number without any separator or sign is as likely something else and is not found.

use std::ops::Range;

use super::boundaries::{digits_end, goes_back, goes_on, is_word};
use super::scan::Scan;
use crate::policy::redaction::detector::Detector;

/// Numbers that begin with `+`.
pub(super) fn international(text: &[u8], scan: &mut Scan<'_>) {
    let mut from = 0;
    for plus in memchr::memchr_iter(b'+', text) {
        let before = plus.checked_sub(1).and_then(|before| text.get(before));
        if plus < from || is_word(before) || !matches!(text.get(plus + 1), Some(b'1'..=b'9')) {
            continue;
        }
        let (end, digits) = spread(text, plus + 1);
        if (8..=15).contains(&digits) && !goes_on(text, end) {
            scan.add(Detector::Phone, plus, end);
            from = end;
        }
    }
}

/// The number whose first group of digits that is.
pub(super) fn national(text: &[u8], group: &Range<usize>) -> Option<Range<usize>> {
    let is_signed = group.start.checked_sub(1).is_some_and(|before| text.get(before) == Some(&b'-'));
    if is_signed || goes_back(text, group.start) {
        return None;
    }
    north_american(text, group).or_else(|| with_trunk_digit(text, group))
}

/// `(212) 555-0123`, `212-555-0123`, `212.555.0123`: no part begins with 0 or 1.
fn north_american(text: &[u8], group: &Range<usize>) -> Option<Range<usize>> {
    let open = group.start.checked_sub(1).filter(|at| text.get(*at) == Some(&b'('));
    let mut at = group.end;
    let separator = match open {
        Some(_) => {
            let is_closed = text.get(at) == Some(&b')');
            at += if text.get(at + 1) == Some(&b' ') { 2 } else { 1 };
            is_closed.then_some(b'-')?
        }
        None => {
            at += 1;
            text.get(group.end).copied().filter(|byte| matches!(byte, b'-' | b'.'))?
        }
    };
    let (middle, end) = (digits_end(text, at), digits_end(text, digits_end(text, at) + 1));
    let is_separated = matches!(text.get(middle), Some(byte) if *byte == separator || open.is_some() && *byte == b' ');
    let is_shaped = group.len() == 3 && middle - at == 3 && is_separated && end.checked_sub(middle) == Some(5);
    let is_assigned = [group.start, at].iter().all(|first| matches!(text.get(*first), Some(b'2'..=b'9')));
    (is_shaped && is_assigned && !goes_on(text, end)).then(|| open.unwrap_or(group.start)..end)
}

/// `030 1234567`, `0171/1234567`, `020 7946 0958`, `0049 30 1234567`: further groups of at least three digits.
fn with_trunk_digit(text: &[u8], group: &Range<usize>) -> Option<Range<usize>> {
    if text.get(group.start) != Some(&b'0') || group.len() > 6 {
        return None;
    }
    let is_abroad = text.get(group.start + 1) == Some(&b'0');
    let least = if is_abroad { 2 } else { 3 };
    let (mut end, mut digits, mut groups) = (group.end, group.len(), 0);
    while let Some(separator) = text.get(end).filter(|byte| matches!(byte, b' ' | b'-' | b'/')) {
        let next = digits_end(text, end + 1);
        // A slash stands behind the area code alone; elsewhere it is that of a date.
        if next - end <= least || groups == 3 || *separator == b'/' && groups > 0 {
            break;
        }
        digits += next - end - 1;
        groups += 1;
        end = next;
    }
    let right = if is_abroad { 11..=17 } else { 9..=12 };
    // Five digits, a hyphen and four are an American ZIP code.
    let is_zip = group.len() == 5 && digits == 9 && text.get(group.end) == Some(&b'-');
    (groups > 0 && !is_zip && right.contains(&digits) && !goes_on(text, end)).then_some(group.start..end)
}

/// The end and the number of digits, with the separators of numbers that people write.
fn spread(text: &[u8], start: usize) -> (usize, usize) {
    let (mut end, mut digits, mut separators) = (start, 0, 0);
    for (index, byte) in text.get(start..).unwrap_or_default().iter().enumerate().take(LONGEST) {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                separators = 0;
                end = start + index + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' if separators < 2 => separators += 1,
            _ => break,
        }
    }
    (end, digits)
}

/// Fifteen digits, with a separator behind each.
const LONGEST: usize = 32;
