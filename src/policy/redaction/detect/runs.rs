//! Long runs of characters without spaces: what tokens, keys and encoded text are.

use std::ops::Range;

use super::scan::Scan;
use super::{encoded, entropy, tokens};
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Exhausted;

/// The runs of a class of characters that have a least length, each whole.
pub(super) struct Runs<'t> {
    text: &'t [u8],
    at: usize,
    class: &'static [bool; 256],
    least: usize,
}

/// Looks into the runs of a text.
pub(super) fn find(text: &[u8], scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    for run in Runs::of(text, &WIDE, SHORTEST_TOKEN) {
        let (start, bytes) = (run.start, text.get(run).unwrap_or_default());
        tokens::find(text, start, bytes, scan)?;
        for narrow in Runs::of(bytes, &NARROW, encoded::SHORTEST) {
            let (offset, piece) = (start + narrow.start, bytes.get(narrow.clone()).unwrap_or_default());
            if !scan.is_decoded {
                encoded::base64_or_hex(text, offset, piece, scan)?;
            }
            if scan.on.has(Detector::Entropy) && !scan.is_decoded && entropy::is_random(piece) {
                scan.add(Detector::Entropy, offset, offset + piece.len());
            }
        }
    }
    Ok(())
}

impl<'t> Runs<'t> {
    pub(super) fn of(text: &'t [u8], class: &'static [bool; 256], least: usize) -> Self {
        Self { text, at: 0, class, least }
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.class.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    /// A run of the least length that begins at `at` ends at or behind the byte that is looked at first, so most bytes of text with
    /// spaces are never looked at.
    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let window = self.text.get(self.at..self.at.checked_add(self.least)?)?;
            if let Some(other) = window.iter().rposition(|byte| !self.has(*byte)) {
                self.at += other + 1;
                continue;
            }
            let rest = self.text.get(self.at + self.least..).unwrap_or_default();
            let more = rest.iter().position(|byte| !self.has(*byte)).unwrap_or(rest.len());
            let run = self.at..self.at + self.least + more;
            self.at = run.end + 1;
            return Some(run);
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "it runs when it is compiled, and a mistake in it does not compile"
)]
const fn class(others: &[u8]) -> [bool; 256] {
    let mut class = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut index = 0;
    while index < others.len() {
        class[others[index] as usize] = true;
        index += 1;
    }
    class
}

/// Of tokens with their separators, and of URLs.
static WIDE: [bool; 256] = class(b"_-.=+/~:@%");
/// Of base64 and hexadecimal text, in both alphabets.
static NARROW: [bool; 256] = class(b"_-+/");
/// The shortest token of the rules, but for one of an old form.
const SHORTEST_TOKEN: usize = 16;
