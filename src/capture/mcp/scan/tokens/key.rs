//! The key that is read, as far as it may be one that is looked for: those are short and ASCII.

use super::quoted::Sink;

#[derive(Debug, Clone)]
pub(crate) struct Key {
    bytes: [u8; MAX_KEY],
    length: usize,
    /// It is none that is looked for.
    is_other: bool,
}

impl Key {
    pub(crate) fn clear(&mut self) {
        (self.length, self.is_other) = (0, false);
    }

    /// Nothing if it is none that is looked for.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).filter(|_| !self.is_other).unwrap_or_default()
    }

    /// Whether it is that, which is short enough to be looked for.
    #[cfg(feature = "tower")]
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

impl Default for Key {
    fn default() -> Self {
        Self { bytes: [0; MAX_KEY], length: 0, is_other: false }
    }
}

impl Sink for Key {
    fn text(&mut self, piece: &str) {
        self.push(piece.as_bytes());
    }
}

/// The longest key that is looked for is `io.modelcontextprotocol/protocolVersion`.
const MAX_KEY: usize = 40;
