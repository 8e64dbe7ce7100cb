//! A string of a message that is completely available, for code that searches positions in it.

use super::key::KeyText;
use super::string_reader::StringReader;

/// Reads a string after its first quote. Returns its content, as far as it is short enough to be a known key, and its
/// length including the last quote. `None` if it is not a string, or has no end.
pub(crate) fn string(bytes: &[u8]) -> Option<(KeyText, usize)> {
    let mut key = KeyText::default();
    let (ended, rest) = StringReader::default().read(bytes, &mut key).ok()?;
    ended.then_some((key, bytes.len() - rest.len()))
}
