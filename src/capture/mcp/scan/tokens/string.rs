//! A string of a message that is completely available, for code that searches positions in it.

use super::key::Key;
use super::quoted::Quoted;

/// Reads a string after its first quote. Returns its content, as far as it is short enough to be a known key, and its
/// length including the last quote. `None` if it is not a string, or has no end.
pub(crate) fn string(bytes: &[u8]) -> Option<(Key, usize)> {
    let mut key = Key::default();
    let (ended, rest) = Quoted::default().read(bytes, &mut key).ok()?;
    ended.then_some((key, bytes.len() - rest.len()))
}
