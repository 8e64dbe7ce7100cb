//! Replaces bytes of a unit of framing.

use std::ops::Range;

/// A text that replaces some bytes.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) bytes: Range<usize>,
    pub(super) text: String,
}

/// The unit with all edits, which are in order.
pub(super) fn edited(unit: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let more: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let (mut out, mut at) = (Vec::with_capacity(unit.len() + more), 0);
    for Edit { bytes, text } in edits {
        out.extend_from_slice(unit.get(at..bytes.start).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        at = bytes.end;
    }
    out.extend_from_slice(unit.get(at..).unwrap_or_default());
    out
}
