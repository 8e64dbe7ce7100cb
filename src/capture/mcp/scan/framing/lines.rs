//! Messages on stdio, one per line (MCP, transports, stdio). A line ends with a newline byte in any encoding: no
//! newline that a reader of UTF-8 sees is skipped. `splits.rs` has what else ends a line for some readers.

use std::cell::Cell;
use std::sync::Arc;

use memchr::{memchr, memchr3_iter};

use super::spanning::SpanningDocument;
use super::splits::{LineSplits, Separator};
use super::text_scanner::{TextScanner, UnitEncoding};
use crate::capture::mcp::message::{Flaw, Message, ScanOptions};
use crate::capture::mcp::scan::scanner::Documents;

/// Reads the messages of a stream of lines.
#[derive(Debug)]
pub(crate) struct Lines {
    texts: TextScanner,
    /// A message of this line was emitted: an element of a batch, or one that only some reader sees.
    gave: bool,
    splits: LineSplits,
    /// A document that earlier lines have begun and not ended.
    joined: Option<Box<SpanningDocument>>,
    /// The last bytes, if they may end a line for some readers or begin such an end: nothing has read them yet.
    begun: LineStart,
    /// The number of lines so far.
    number: u64,
}

/// At most two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineStart {
    Nothing,
    Return,
    /// Of U+0085.
    C2,
    /// Of U+2028 and U+2029.
    E2,
    E280,
}

impl Lines {
    pub(crate) fn new(reading: Arc<ScanOptions>) -> Self {
        let (texts, splits) = (TextScanner::new(reading, Documents::One), LineSplits::default());
        Self { texts, gave: false, splits, joined: None, begun: LineStart::Nothing, number: 0 }
    }

    /// Reads up to and including the first newline that ends a line with a message, and returns how many bytes that
    /// were, so that a caller can hold back the bytes after a message. All messages of that line have been emitted
    /// then. Without such a newline, all bytes are read.
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

    /// The stream ends. Bytes after the last newline count as a line, as they do for rmcp and the other SDKs.
    pub(crate) fn end(&mut self, emit: &mut impl FnMut(Message)) {
        self.end_line(emit);
        self.gave = false;
    }

    /// A part of a line.
    fn read_line(&mut self, mut bytes: &[u8], emit: &mut dyn FnMut(Message)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.begun != LineStart::Nothing {
                if self.go_on(byte, emit) {
                    bytes = rest;
                }
                continue;
            }
            let Some((at, begun)) = begin(bytes) else { return self.content(bytes, EVERYBODY, emit) };
            let (content, behind) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
            self.content(content, EVERYBODY, emit);
            self.begun = begun;
            bytes = behind.get(1..).unwrap_or_default();
        }
    }

    /// The byte after the beginning of a possible line end. Returns whether it belongs to that.
    fn go_on(&mut self, byte: u8, emit: &mut dyn FnMut(Message)) -> bool {
        let begun = std::mem::replace(&mut self.begun, LineStart::Nothing);
        match (begun, byte) {
            (LineStart::Return, _) => {
                self.separate(Separator::Return, b"\r", emit);
                return false;
            }
            (LineStart::E2, 0x80) => self.begun = LineStart::E280,
            (LineStart::E280, 0xa8 | 0xa9) => self.separate(Separator::Paragraph, &[0xe2, 0x80, byte], emit),
            (LineStart::C2, 0x85) => self.separate(Separator::Other, b"\xc2\x85", emit),
            (begun, _) => {
                self.content(begun.bytes(), EVERYBODY, emit);
                return false;
            }
        }
        true
    }

    /// Those bytes end a line for some readers, and belong to it for others.
    fn separate(&mut self, by: Separator, bytes: &[u8], emit: &mut dyn FnMut(Message)) {
        let Self { texts, splits, number, .. } = self;
        let ordinary = texts.scanner_before(&mut |message| emit(message));
        splits.separate(by, ordinary, &mut |message| emit(numbered(message, *number)));
        self.content(bytes, by as usize, emit);
    }

    /// Bytes that belong to the line for the ordinary reader, and for that many of the others.
    fn content(&mut self, bytes: &[u8], readers: usize, emit: &mut dyn FnMut(Message)) {
        let Self { texts, splits, number, .. } = self;
        texts.read(bytes, &mut |message| emit(splits.doubted(message, *number)));
        splits.read(bytes, readers, texts.scanner(), &mut |message| emit(numbered(message, *number)));
        if let Some(joined) = &mut self.joined {
            joined.read(bytes);
        }
    }

    fn end_line(&mut self, emit: &mut dyn FnMut(Message)) {
        let begun = std::mem::replace(&mut self.begun, LineStart::Nothing);
        self.content(begun.bytes(), EVERYBODY, emit);
        let Self { texts, splits, number, joined, .. } = self;
        let is_read = splits.end(&mut |message| emit(numbered(message, *number)));
        let (mut calls, goes_on) = joined.take().map_or_else(Default::default, SpanningDocument::end_line);
        let is_read = is_read || !calls.is_empty();
        let (line, written) = texts.scanner_before(&mut |message| emit(splits.doubted(message, *number)));
        let begun = if written == UnitEncoding::Plain { SpanningDocument::behind(line) } else { None };
        let mut is_json = true;
        texts.end(&mut |message: Message| {
            if message.flaw == Some(Flaw::NotJson) {
                is_json = false;
                calls.drain(..).for_each(|call| emit(numbered(call, *number)));
                // What other readers see in it is reported.
                if is_read {
                    return;
                }
            }
            emit(splits.doubted(message, *number));
        });
        let goes_on = goes_on.map(|joined| joined.behind_line(is_json));
        *joined = goes_on.or(begun);
        self.splits = LineSplits::default();
        self.number += 1;
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.texts.held()
    }
}

impl LineStart {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Nothing => b"",
            Self::Return => b"\r",
            Self::C2 => b"\xc2",
            Self::E2 => b"\xe2",
            Self::E280 => b"\xe2\x80",
        }
    }
}

/// The position of the first byte that may end a line for some readers, judging by these bytes.
fn begin(bytes: &[u8]) -> Option<(usize, LineStart)> {
    memchr3_iter(b'\r', 0xc2, 0xe2, bytes).find_map(|at| {
        let begun = match bytes.get(at..).unwrap_or_default() {
            [b'\r', ..] => LineStart::Return,
            [0xc2] | [0xc2, 0x85, ..] => LineStart::C2,
            [0xe2] | [0xe2, 0x80] | [0xe2, 0x80, 0xa8 | 0xa9, ..] => LineStart::E2,
            _ => return None,
        };
        Some((at, begun))
    })
}

/// A message that all readers read alike, on this line.
fn numbered(message: Message, line: u64) -> Message {
    Message { alternative: Some(line), ..message }
}

/// More readers than there are.
const EVERYBODY: usize = usize::MAX;
