//! Private keys in PEM.

use std::sync::LazyLock;

use memchr::memmem;

use super::scan::Scan;
use crate::policy::redaction::detector::Detector;

/// From the line that begins a key to the line that ends it, or to the end of the text: half a key is one, too.
pub(super) fn find(text: &[u8], scan: &mut Scan<'_>) {
    let mut from = 0;
    while let Some(begin) = BEGINNING.find(text.get(from..).unwrap_or_default()).map(|at| from + at) {
        let label_start = begin + BEGIN.len();
        let label = text.get(label_start..(label_start + LONGEST_LABEL).min(text.len())).unwrap_or_default();
        from = label_start;
        let Some(label_end) = memmem::find(label, b"-----") else { continue };
        let is_private = label.get(..label_end).is_some_and(|label| memmem::find(label, b"PRIVATE KEY").is_some());
        if !is_private {
            continue;
        }
        let body = label_start + label_end + 5;
        let rest = text.get(body..).unwrap_or_default();
        let end = memmem::find(rest, b"-----END").map_or(text.len(), |end| {
            let line = body + end + b"-----END".len();
            let after = text.get(line..(line + LONGEST_LABEL).min(text.len())).unwrap_or_default();
            memmem::find(after, b"-----").map_or(text.len(), |dashes| line + dashes + 5)
        });
        scan.add(Detector::PrivateKey, begin, end);
        from = end;
    }
}

const BEGIN: &[u8] = b"-----BEGIN";
/// Prepared once, as each text is searched.
pub(super) static BEGINNING: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(BEGIN));
/// ` RSA PRIVATE KEY`, ` OPENSSH PRIVATE KEY`, and room for others.
const LONGEST_LABEL: usize = 64;
