//! A string of a message that is there whole, for who looks for places in it.

use super::key::KeyText;
use super::string_reader::StringReader;

/// Reads the string behind its first quote: what it says, as far as it is short enough to be a key that somebody looks for,
/// and its length with its last quote. `None` if it is none, or has no end.
pub(crate) fn string(bytes: &[u8]) -> Option<(KeyText, usize)> {
    let mut key = KeyText::default();
    let (ended, rest) = StringReader::default().read(bytes, &mut key).ok()?;
    ended.then_some((key, bytes.len() - rest.len()))
}
