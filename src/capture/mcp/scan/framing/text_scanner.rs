//! A scanner of units that are text in any Unicode encoding.

use std::sync::Arc;

use super::unicode::Unicode;
use crate::capture::mcp::message::{Message, ScanOptions};
use crate::capture::mcp::scan::scanner::{Documents, Scanner};

/// The encoding of a unit, as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnitEncoding {
    /// UTF-8.
    Plain,
    /// UTF-8 after a byte order mark.
    Marked,
    /// UTF-16 or UTF-32, or not known yet. A reader of UTF-8 sees no JSON in it so far.
    Wide,
}

/// Reads the messages of successive units of framing, each in any number of pieces.
#[derive(Debug)]
pub(crate) struct TextScanner {
    unicode: Unicode,
    scanner: Scanner,
}

impl TextScanner {
    pub(crate) fn new(reading: Arc<ScanOptions>, documents: Documents) -> Self {
        Self { unicode: Unicode::default(), scanner: Scanner::new(reading, documents) }
    }

    /// Reads more of the unit.
    pub(crate) fn read(&mut self, bytes: &[u8], emit: &mut impl FnMut(Message)) {
        let Self { unicode, scanner } = self;
        unicode.read(bytes, &mut |is_transcoded, text| {
            scanner.read(text, &mut |message| emit(Message { is_transcoded, ..message }));
        });
    }

    /// The scanner that reads the unit.
    pub(crate) fn scanner(&self) -> (&Scanner, UnitEncoding) {
        let written = match (self.unicode.is_narrow(), self.unicode.is_transcoded()) {
            (true, false) => UnitEncoding::Plain,
            (true, true) => UnitEncoding::Marked,
            (false, _) => UnitEncoding::Wide,
        };
        (&self.scanner, written)
    }

    /// The scanner that reads the unit, when the next byte is not a zero.
    pub(crate) fn scanner_before(&mut self, emit: &mut impl FnMut(Message)) -> (&Scanner, UnitEncoding) {
        let Self { unicode, scanner } = self;
        unicode.settle(&mut |_, text| scanner.read(text, emit));
        self.scanner()
    }

    /// The unit ends here. What is read next belongs to another one.
    pub(crate) fn end(&mut self, emit: &mut impl FnMut(Message)) {
        let Self { unicode, scanner } = self;
        let is_transcoded = unicode.is_transcoded();
        let mut emit = |message| emit(Message { is_transcoded, ..message });
        unicode.end(&mut |_, text| scanner.read(text, &mut emit));
        scanner.end(&mut emit);
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.scanner.held()
    }
}
