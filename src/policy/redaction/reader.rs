//! Content that comes in pieces.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::context::Context;
use super::protect::Protect;
use super::redacted::{Redacted, Unread};
use super::redactor::{Redactor, digest};

/// Reads a content in pieces of any size, and holds no more of it than [`RedactionLimits::bytes`](super::RedactionLimits::bytes).
///
/// Of a longer one it holds nothing: its length and its digest are recorded, and a mask in the place of the text. Where the pieces
/// begin and end makes no difference.
pub struct ContentReader {
    redactor: Redactor,
    held: Vec<u8>,
    bytes: usize,
    /// Only of what is too long: of anything else the content is there.
    digest: Option<Sha256>,
}

impl Redactor {
    /// Reads a content that comes in pieces.
    pub fn reader(&self) -> ContentReader {
        ContentReader { redactor: self.clone(), held: Vec::new(), bytes: 0, digest: None }
    }
}

impl ContentReader {
    /// The next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.digest.is_none() && self.bytes <= self.redactor.limits().bytes {
            self.held.extend_from_slice(piece);
            return;
        }
        let held = std::mem::take(&mut self.held);
        let digest = self.digest.get_or_insert_with(|| Sha256::new_with_prefix(held));
        digest.update(piece);
    }

    /// How many bytes there were.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.capacity()
    }

    /// The content as it may be recorded, once the last piece was pushed.
    pub fn finish(self, context: &Context<'_>, protect: &dyn Protect) -> Redacted {
        match self.digest {
            None => self.redactor.redact(&self.held, context, protect),
            Some(sha256) => {
                Redacted::unread(Unread::TooLong, self.bytes, || digest(&sha256.finalize(), context, protect))
            }
        }
    }
}

/// Tells nothing of the content.
impl fmt::Debug for ContentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentReader").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
