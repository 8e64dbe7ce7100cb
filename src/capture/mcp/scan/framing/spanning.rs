//! Lines as a reader of documents sees them, which ignores where lines end: `Decoder` of Go. A later line may end
//! what earlier lines began.
//! Invariants:
//! 1. It exists only after a line that is the beginning of a document. It continues from the state of the ordinary
//!    reader, so nothing is read twice and no bytes are held.
//! 2. It is over when its document ends with a line, or cannot be a document any more.
//! 3. What it sees in a line that is JSON on its own does not count: that is an element of an array, which all
//!    readers take for one message.

use crate::capture::mcp::message::{Flaw, Message};
use crate::capture::mcp::profile::Profile;
use crate::capture::mcp::scan::scanner::Scanner;

#[derive(Debug)]
pub(crate) struct SpanningDocument {
    scanner: Scanner,
    /// The calls in it so far, and how many of them came before this line.
    seen: Vec<Message>,
    before: usize,
}

impl SpanningDocument {
    /// Created after such a line, if that has begun a document.
    pub(crate) fn behind(line: &Scanner) -> Option<Box<Self>> {
        if !line.is_unfinished() {
            return None;
        }
        let mut joined = Self { scanner: line.clone(), seen: Vec::new(), before: 0 };
        joined.read(b"\n");
        joined.scanner.is_unfinished().then(|| Box::new(joined))
    }

    /// A part of a line.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        let Self { scanner, seen, .. } = self;
        scanner.read(bytes, &mut |message| note(seen, message));
    }

    /// The line ends here. Returns the calls of the document that ended with it, and itself if it continues.
    pub(crate) fn end_line(mut self: Box<Self>) -> (Vec<Message>, Option<Box<Self>>) {
        self.read(b"\n");
        if self.scanner.is_unfinished() {
            return (Vec::new(), Some(self));
        }
        let Self { scanner, seen, .. } = &mut *self;
        let is_whole = scanner.is_whole();
        scanner.end(&mut |message| note(seen, message));
        (if is_whole { self.seen } else { Vec::new() }, None)
    }

    /// Whether that line was JSON on its own (3).
    pub(crate) fn behind_line(mut self: Box<Self>, is_json: bool) -> Box<Self> {
        if is_json {
            self.seen.truncate(self.before);
        }
        self.before = self.seen.len();
        self
    }
}

fn note(seen: &mut Vec<Message>, mut message: Message) {
    let is_read = message.flaw.is_none_or(|flaw| flaw == Flaw::TooDeep);
    // No reader is known that also treats keys differently.
    if is_read && message.reader.is_none() && message.method.is_some() && seen.len() < MOST {
        message.reader = Some(Profile::GoDecoder);
        message.doubts.line_separator = true;
        seen.push(message);
    }
}

/// More calls than a hand-formatted batch over several lines has.
const MOST: usize = 64;
