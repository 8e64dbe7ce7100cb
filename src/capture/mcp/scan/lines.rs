//! Messages on stdio: one to a line (MCP, transports, stdio), which ends with a newline, whatever the line is written in: no
//! newline that a reader of UTF-8 sees is passed over.

use std::cell::Cell;
use std::sync::Arc;

use memchr::memchr;

use super::super::message::{Message, Reading};
use super::{Documents, texts::Texts};

/// Reads the messages of a stream of lines.
#[derive(Debug)]
pub(crate) struct Lines {
    texts: Texts,
    /// A message of this line was given: one of a batch, or one before a carriage return.
    gave: bool,
    /// The last byte of this line was a carriage return.
    behind_return: bool,
}

impl Lines {
    pub(crate) fn new(reading: Arc<Reading>) -> Self {
        Self { texts: Texts::new(reading, Documents::One), gave: false, behind_return: false }
    }

    /// Reads on, no further than through the first newline that ends a line with a message, and says how far: whoever has
    /// to hold back the bytes behind a message holds back the others. All messages of that line were given then. Without
    /// such a newline all bytes are read.
    #[must_use]
    pub(crate) fn read(&mut self, bytes: &[u8], emit: &mut impl FnMut(Message)) -> usize {
        let gave = Cell::new(self.gave);
        let mut emit = |message| {
            gave.set(true);
            emit(message);
        };
        let mut rest = bytes;
        while let Some((line, behind)) = memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end)) {
            self.read_line(line, &mut emit);
            self.end_line(&mut emit);
            rest = behind.get(1..).unwrap_or_default();
            if gave.get() {
                self.gave = false;
                return bytes.len() - rest.len();
            }
        }
        self.read_line(rest, &mut emit);
        self.gave = gave.get();
        bytes.len()
    }

    /// The stream ends. What is behind the last newline counts as a line, as it does for rmcp and the other SDKs.
    pub(crate) fn end(&mut self, emit: &mut impl FnMut(Message)) {
        self.end_line(emit);
        self.gave = false;
    }

    /// Some of a line. Nothing is different about carriage returns but what is doubtful then.
    fn read_line(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(Message)) {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.behind_return) {
                self.texts.carriage_return(emit);
            }
            let end = memchr(b'\r', bytes);
            let (piece, rest) = end.and_then(|end| bytes.split_at_checked(end + 1)).unwrap_or((bytes, &[]));
            self.behind_return = end.is_some();
            self.texts.read(piece, emit);
            bytes = rest;
        }
    }

    fn end_line(&mut self, emit: &mut impl FnMut(Message)) {
        self.texts.end(emit);
        self.behind_return = false;
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.texts.held()
    }
}
