//! The output of a decoder.

use std::io::{self, Write};

/// The output for a few bytes.
#[derive(Debug, Default)]
pub(super) struct DecodedPiece {
    pub(super) bytes: Vec<u8>,
    pub(super) is_full: bool,
}

impl Write for DecodedPiece {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_PIECE {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most that a few bytes may become: deflate cannot exceed it, and brotli does so only for data that is not text.
pub(super) const MAX_PIECE: usize = 5 * 1024 * 1024;
