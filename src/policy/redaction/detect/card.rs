//! Numbers of payment cards: the ranges of their issuers, and the check digit (Luhn, ISO/IEC 7812-1).

use std::ops::Range;

use super::boundaries::{digits_end, goes_back, goes_on};

/// The card number whose first group of digits that is: all in one, or in groups with one kind of separator.
pub(super) fn at(text: &[u8], group: &Range<usize>) -> Option<Range<usize>> {
    if goes_back(text, group.start) {
        return None;
    }
    let end = if group.len() == 4 { groups_end(text, group.end) } else { group.end };
    let mut digits = [0_u8; LONGEST];
    let mut length = 0;
    for byte in text.get(group.start..end)?.iter().filter(|byte| byte.is_ascii_digit()) {
        *digits.get_mut(length)? = byte - b'0';
        length += 1;
    }
    let digits = digits.get(..length)?;
    (!goes_on(text, end) && is_issued(digits) && luhn(digits)).then_some(group.start..end)
}

/// Where the groups end that follow the first: `4-4-4`, with three more digits, or `6-5` and `6-4`.
fn groups_end(text: &[u8], first: usize) -> usize {
    let Some(separator) = text.get(first).copied().filter(|byte| matches!(byte, b' ' | b'-')) else { return first };
    let mut end = first;
    for _ in 0..4 {
        let next = digits_end(text, end + 1);
        if text.get(end) != Some(&separator) || !(3..=6).contains(&(next - end).saturating_sub(1)) {
            break;
        }
        end = next;
    }
    end
}

/// Whether cards have numbers of that beginning and length.
fn is_issued(digits: &[u8]) -> bool {
    let number = |count: usize| digits.iter().take(count).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    matches!(
        (digits.len(), number(1), number(2), number(4)),
        (13 | 16 | 19, 4, ..)
            | (16, _, 51..=55, _)
            | (16, _, _, 2221..=2720)
            | (15, _, 34 | 37, _)
            | (16..=19, _, 62 | 64 | 65, _)
            | (16..=19, _, _, 6011 | 3528..=3589)
            | (14..=19, _, 36 | 38 | 39, _)
            | (14..=19, _, _, 3000..=3059)
            | (13..=19, _, 50 | 56..=58 | 60 | 63 | 67, _)
    )
}

/// Whether the last digit is the check digit of those before.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().fold(0, |sum, (index, digit)| {
        let doubled = u32::from(*digit) << (index % 2);
        sum + if doubled > 9 { doubled - 9 } else { doubled }
    });
    sum.is_multiple_of(10)
}

const LONGEST: usize = 19;
