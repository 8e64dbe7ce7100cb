//! Messages on stdio: one to a line (MCP, transports, stdio).

use std::cell::Cell;
use std::sync::Arc;

use memchr::memchr;

use super::super::message::{Message, Reading};
use super::{Documents, Scanner};

/// Reads the messages of a stream of lines.
#[derive(Debug)]
pub(crate) struct Lines {
    scanner: Scanner,
    /// A message of this line was given, which can only be one of a batch.
    gave: bool,
}

impl Lines {
    pub(crate) fn new(reading: Arc<Reading>) -> Self {
        Self { scanner: Scanner::new(reading, Documents::One), gave: false }
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
            self.scanner.read(line, &mut emit);
            self.scanner.end(&mut emit);
            rest = behind.get(1..).unwrap_or_default();
            if gave.get() {
                self.gave = false;
                return bytes.len() - rest.len();
            }
        }
        self.scanner.read(rest, &mut emit);
        self.gave = gave.get();
        bytes.len()
    }

    /// The stream ends. What is behind the last newline counts as a line, as it does for rmcp and the other SDKs.
    pub(crate) fn end(&mut self, emit: &mut impl FnMut(Message)) {
        self.scanner.end(emit);
        self.gave = false;
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.scanner.held()
    }
}
