//! Arguments and results as they pass by on the wire.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::trail::MAX_CONTENT;

/// A value of a message as it was read: its bytes, from the first to the last, if they are few enough to be held.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum RawContent {
    Whole(Vec<u8>),
    /// It was longer: HMAC-SHA256 of its bytes, and their number.
    Long {
        digest: [u8; 32],
        bytes: u64,
    },
}

/// It may be a secret.
impl fmt::Debug for RawContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawContent")
    }
}

/// A value that is being read, in any number of pieces.
#[derive(Debug, Clone)]
pub(crate) struct ContentReader {
    held: Held,
    key: Hmac<Sha256>,
}

#[derive(Clone)]
enum Held {
    Bytes(Vec<u8>),
    Digest(Hmac<Sha256>, u64),
}

impl ContentReader {
    /// The key is for the digest of a value that is too long to be held.
    pub(crate) fn new(key: Hmac<Sha256>) -> Self {
        Self { held: Held::Bytes(Vec::new()), key }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match &mut self.held {
            Held::Bytes(held) if held.len() + bytes.len() <= MAX_CONTENT => held.extend_from_slice(bytes),
            Held::Bytes(held) => {
                let length = held.len() + bytes.len();
                let digest = self.key.clone().chain_update(&held).chain_update(bytes);
                self.held = Held::Digest(digest, length as u64);
            }
            Held::Digest(digest, length) => {
                digest.update(bytes);
                *length += bytes.len() as u64;
            }
        }
    }

    pub(crate) fn end(self) -> RawContent {
        match self.held {
            Held::Bytes(bytes) => RawContent::Whole(bytes),
            Held::Digest(digest, bytes) => RawContent::Long { digest: digest.finalize().into_bytes().into(), bytes },
        }
    }

    /// The bytes that it holds.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        match &self.held {
            Held::Bytes(bytes) => bytes.capacity(),
            Held::Digest(..) => 0,
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
