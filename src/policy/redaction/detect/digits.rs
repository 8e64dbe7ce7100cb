//! Groups of digits: what card, account and telephone numbers are made of.

use std::ops::Range;

use super::boundaries::digits_end;
use super::scan::Scan;
use super::{card, iban, phone};
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Exhausted;

/// Looks at each group of at least three digits: a number of any kind has one, and every third byte shows it.
pub(super) fn find(text: &[u8], scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    let wanted = [Detector::Card, Detector::Iban, Detector::Phone].map(|detector| scan.on.has(detector));
    if wanted == [false; 3] {
        return Ok(());
    }
    let (mut probe, mut done) = (STEP - 1, 0);
    while let Some(byte) = text.get(probe) {
        if !byte.is_ascii_digit() {
            probe += STEP;
            continue;
        }
        let group = group(text, done, probe);
        done = group.end;
        if group.len() >= STEP {
            scan.work.spend(FEW)?;
            done = number(text, &group, wanted, scan).max(group.end);
        }
        probe = done + STEP - 1;
    }
    Ok(())
}

/// What the group is the first of: returns where it ends.
fn number(text: &[u8], group: &Range<usize>, [card, iban, phone]: [bool; 3], scan: &mut Scan<'_>) -> usize {
    let found = (card.then(|| card::at(text, group)).flatten().map(|range| (Detector::Card, range)))
        .or_else(|| iban.then(|| iban::around(text, group)).flatten().map(|range| (Detector::Iban, range)))
        .or_else(|| phone.then(|| phone::national(text, group)).flatten().map(|range| (Detector::Phone, range)));
    let Some((detector, range)) = found else { return group.end };
    scan.add(detector, range.start, range.end);
    range.end
}

/// The digits around a digit.
fn group(text: &[u8], from: usize, at: usize) -> Range<usize> {
    let before = text.get(from..at).unwrap_or_default();
    let start = from + before.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |other| other + 1);
    start..digits_end(text, at)
}

const STEP: usize = 3;
/// What a look at one group costs at most.
const FEW: usize = 64;
