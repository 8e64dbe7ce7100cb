//! The key that is being read, while it may be a known one: those are short and ASCII.

use super::string_reader::StringSink;

#[derive(Debug, Clone)]
pub(crate) struct KeyText {
    bytes: [u8; MAX_KEY],
    length: usize,
    /// It is not a known key.
    is_other: bool,
}

impl KeyText {
    pub(crate) fn clear(&mut self) {
        (self.length, self.is_other) = (0, false);
    }

    /// Empty if it is not a known key.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).filter(|_| !self.is_other).unwrap_or_default()
    }

    /// Whether it is `other`, which is short enough to be a known key.
    #[cfg(any(feature = "tower", test, fuzzing))]
    pub(crate) fn is(&self, other: &[u8]) -> bool {
        !self.is_other && self.bytes() == other
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        match self.bytes.get_mut(self.length..self.length + piece.len()) {
            Some(room) => {
                room.copy_from_slice(piece);
                self.length += piece.len();
            }
            None => self.is_other = true,
        }
    }
}

impl Default for KeyText {
    fn default() -> Self {
        Self { bytes: [0; MAX_KEY], length: 0, is_other: false }
    }
}

impl StringSink for KeyText {
    fn text(&mut self, piece: &str) {
        self.push(piece.as_bytes());
    }
}

/// The longest known key is `io.modelcontextprotocol/protocolVersion`.
const MAX_KEY: usize = 40;
