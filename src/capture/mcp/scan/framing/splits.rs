//! One line as seen by readers for which more than a newline ends a line. Nothing is read twice before the first byte
//! that does so.
//!
//! Invariants:
//! 1. There are three such readers. Each ends lines wherever the one before does, and in more places. A reader that
//!    has met nothing of its own yet sees what the one before sees, and has no state; the state is copied when they
//!    diverge.
//! 2. A message that the previous reader sees, too, is not emitted.
//! 3. If the whole line is JSON, no part between U+2028, U+2029 or U+0085 is a message: these are in strings, and a
//!    quote ends anything that begins after them. So such a line is in doubt for these readers only if they see a
//!    message.

use super::text_scanner::UnitEncoding;
use crate::capture::mcp::message::{Flaw, Message};
use crate::capture::mcp::profile::Profile;
use crate::capture::mcp::scan::scanner::Scanner;

/// What other readers see in the current line.
#[derive(Debug, Default)]
pub(crate) struct LineSplits {
    readers: [Option<Box<LineSplit>>; 3],
    /// A carriage return splits a line that is one message to others.
    is_parted: bool,
    /// A message was emitted that exists only between other line ends.
    is_separated: bool,
    gave: bool,
    /// Some part is read by none of them.
    is_unread: bool,
}

/// One of the readers, after the first line end of its own.
#[derive(Debug)]
struct LineSplit {
    scanner: Scanner,
    /// What preceded, if only whitespace has followed.
    held: Vec<Message>,
}

/// What ends a line, by reader. Each also ends lines for the readers after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// A carriage return.
    Return,
    /// U+2028 and U+2029.
    Paragraph,
    /// U+0085, and control characters, which do not occur in JSON.
    Other,
}

impl LineSplits {
    /// A separator follows what the ordinary reader has read.
    pub(crate) fn separate(
        &mut self,
        by: Separator,
        ordinary: (&Scanner, UnitEncoding),
        emit: &mut dyn FnMut(Message),
    ) {
        let at = by as usize;
        let mut is_first = true;
        for finer in (at + 1..self.readers.len()).rev() {
            if let Some(mut split) = self.readers.get_mut(finer).and_then(Option::take) {
                self.end_of(finer, &mut split, is_first, emit);
                is_first = false;
            }
        }
        if let Some(mut split) = self.readers.get_mut(at).and_then(Option::take) {
            self.end_of(at, &mut split, is_first, emit);
            self.put(at, split);
            return;
        }
        let (before, written) = self.before(at, ordinary);
        let (is_sound, is_wide) = (written == UnitEncoding::Plain, written == UnitEncoding::Wide);
        if by == Separator::Return && before.is_blank() && !is_wide {
            return;
        }
        let mut split = LineSplit { scanner: before.fresh(), held: Vec::new() };
        let (mut ended, mut is_read) = (before.clone(), is_sound);
        ended.end(&mut |message| match message.flaw {
            Some(Flaw::NotJson | Flaw::TooDeep) => is_read = false,
            _ if is_sound => split.held.push(message),
            _ => {}
        });
        self.is_parted |= by == Separator::Return && !is_read && !is_wide;
        self.is_unread |= is_first && !is_read;
        if by != Separator::Return {
            self.release(at, &mut split, emit);
        }
        self.put(at, split);
    }

    /// A part of the line without separators, except for readers from that one on and control characters.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        most: usize,
        ordinary: (&Scanner, UnitEncoding),
        emit: &mut dyn FnMut(Message),
    ) {
        for at in 0..most.min(OTHER) {
            if let Some(mut split) = self.readers.get_mut(at).and_then(Option::take) {
                self.read_on(at, &mut split, bytes, emit);
                self.put(at, split);
            }
        }
        if most > OTHER {
            self.read_controls(bytes, ordinary, emit);
        }
    }

    /// The line ends here. Returns whether other readers read what the ordinary reader could not.
    pub(crate) fn end(&mut self, emit: &mut dyn FnMut(Message)) -> bool {
        let mut is_first = true;
        for at in (0..self.readers.len()).rev() {
            if let Some(mut split) = self.readers.get_mut(at).and_then(Option::take) {
                self.end_of(at, &mut split, is_first, emit);
                is_first = false;
            }
        }
        self.gave && !self.is_unread
    }

    /// A message that the ordinary reader sees in that line, with its doubts.
    pub(crate) fn doubted(&self, mut message: Message, line: u64) -> Message {
        message.doubts.carriage_return |= self.is_parted;
        message.doubts.line_separator |= self.is_separated;
        if self.gave || message.alternative.is_some() {
            message.alternative = Some(line);
        }
        message
    }

    /// Control characters make JSON invalid, so there is nothing to see after one before the other readers have given
    /// up.
    fn read_controls(&mut self, bytes: &[u8], ordinary: (&Scanner, UnitEncoding), emit: &mut dyn FnMut(Message)) {
        let begun = self.readers.get_mut(OTHER).and_then(Option::take).map(|split| (bytes, split));
        let Some((mut rest, mut split)) = begun.or_else(|| self.begin_controls(bytes, ordinary, emit)) else { return };
        while let Some(end) = rest.iter().position(|byte| is_control(*byte)) {
            let (piece, behind) = rest.split_at(end);
            self.read_on(OTHER, &mut split, piece, emit);
            self.end_of(OTHER, &mut split, true, emit);
            rest = behind.get(1..).unwrap_or_default();
        }
        self.read_on(OTHER, &mut split, rest, emit);
        self.put(OTHER, split);
    }

    /// The first control character. Returns what follows it.
    fn begin_controls<'a>(
        &mut self,
        bytes: &'a [u8],
        ordinary: (&Scanner, UnitEncoding),
        emit: &mut dyn FnMut(Message),
    ) -> Option<(&'a [u8], Box<LineSplit>)> {
        let (before, written) = self.before(OTHER, ordinary);
        let is_wide = written == UnitEncoding::Wide;
        if !before.is_spoiled() && !is_wide {
            return None;
        }
        let end = bytes.iter().position(|byte| is_control(*byte))?;
        let (whole, scanner) = (before.before_spoiled(is_control).filter(|_| !is_wide), before.fresh());
        let mut split = Box::new(LineSplit { scanner, held: Vec::new() });
        self.is_unread |= whole.is_none();
        if let Some(mut whole) = whole {
            whole.end(&mut |message| split.held.push(message));
        }
        self.release(OTHER, &mut split, emit);
        Some((bytes.get(end + 1..).unwrap_or_default(), split))
    }

    /// The reader that agrees with one without a state, and the encoding of what it has read.
    fn before<'a>(&'a self, at: usize, ordinary: (&'a Scanner, UnitEncoding)) -> (&'a Scanner, UnitEncoding) {
        let nearest = self.readers.iter().take(at).rev().flatten().next();
        nearest.map_or(ordinary, |split| (&split.scanner, UnitEncoding::Plain))
    }

    fn put(&mut self, at: usize, split: impl Into<Box<LineSplit>>) {
        if let Some(place) = self.readers.get_mut(at) {
            *place = Some(split.into());
        }
    }

    fn read_on(&mut self, at: usize, split: &mut LineSplit, bytes: &[u8], emit: &mut dyn FnMut(Message)) {
        if !bytes.iter().all(|byte| is_blank(*byte)) {
            self.is_parted |= at == RETURN;
            self.release(at, split, emit);
        }
        split.scanner.read(bytes, &mut |message| self.give(at, message, emit));
    }

    /// A line of that reader ends.
    fn end_of(&mut self, at: usize, split: &mut LineSplit, is_finest: bool, emit: &mut dyn FnMut(Message)) {
        split.scanner.end(&mut |message| {
            let is_unread = matches!(message.flaw, Some(Flaw::NotJson | Flaw::TooDeep));
            self.is_unread |= is_finest && is_unread;
            self.give(at, message, emit);
        });
    }

    fn release(&mut self, at: usize, split: &mut LineSplit, emit: &mut dyn FnMut(Message)) {
        split.held.drain(..).for_each(|message| self.give(at, message, emit));
    }

    fn give(&mut self, at: usize, mut message: Message, emit: &mut dyn FnMut(Message)) {
        let reader = match (at, message.reader) {
            (RETURN, None) => Profile::PythonText,
            (RETURN, Some(Profile::GoJson)) => Profile::DotNet,
            (PARAGRAPH, None) => Profile::NodeReadline,
            (OTHER, None) => Profile::PythonSplitlines,
            // No reader is known that reads both this way.
            _ => return,
        };
        if message.flaw.is_some_and(|flaw| flaw != Flaw::TooDeep || message.method.is_none()) {
            return;
        }
        self.gave = true;
        self.is_separated |= at != RETURN;
        message.reader = Some(reader);
        message.doubts.carriage_return |= at == RETURN;
        message.doubts.line_separator |= at != RETURN;
        emit(message);
    }
}

/// JSON's whitespace. A form feed is not part of it: after a message, it makes the line invalid.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Characters that do not occur in JSON and end a line for `str.splitlines`.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e)
}

const RETURN: usize = Separator::Return as usize;
const PARAGRAPH: usize = Separator::Paragraph as usize;
const OTHER: usize = Separator::Other as usize;
