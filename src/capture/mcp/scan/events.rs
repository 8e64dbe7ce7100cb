//! Messages in server-sent events (WHATWG HTML, section 9.2 "Server-sent events"): the data of one event is one document.
//!
//! The other fields are of no interest, nor is the name of an event: clients differ in whether they look at it. An event whose
//! data begin as no message does is none. Of the transport of 2024-11-05 (HTTP with SSE), the first such event says where the
//! client has to send its messages: a path, or a URI.

use std::hash::Hasher as _;
use std::sync::Arc;

use memchr::memchr2;

use super::super::message::{Message, Reading};
use super::text::ProcessHasher;
use super::{Documents, Scanner};

/// Reads the messages of a stream of events.
#[derive(Debug)]
pub(crate) struct Events {
    scanner: Scanner,
    at: At,
    /// The last byte was a carriage return: a newline that follows belongs to it.
    behind_return: bool,
    /// The event has a line of data.
    has_data: bool,
    /// The first byte of its data.
    first: Option<u8>,
    /// Its data, if they are no message, as far as a URI may be long.
    other: Vec<u8>,
    endpoint: Option<String>,
    /// A hash of its id.
    id: Option<ProcessHasher>,
    unfinished: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The byte order mark that may begin the stream: so many of its bytes were read.
    Mark(usize),
    /// The name of a field, which is that of data so far, for so many bytes.
    Name(usize),
    /// Behind the colon, where one space does not count.
    Colon,
    Data,
    /// The name of a field, which is that of an id so far, for so many bytes.
    IdName(usize),
    /// Behind its colon, where one space does not count.
    IdColon,
    Id,
    /// A comment, or another field.
    Other,
}

impl Events {
    pub(crate) fn new(reading: Arc<Reading>) -> Self {
        let scanner = Scanner::new(reading, Documents::One);
        Self {
            scanner,
            at: At::Mark(0),
            behind_return: false,
            has_data: false,
            first: None,
            other: Vec::new(),
            endpoint: None,
            id: None,
            unfinished: 0,
        }
    }

    /// Reads on. A message is given at the blank line that ends its event.
    pub(crate) fn read(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(Message)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            let behind_return = std::mem::take(&mut self.behind_return);
            match (self.at, byte) {
                (_, b'\n') if behind_return => bytes = rest,
                (_, b'\n' | b'\r') => {
                    self.behind_return = byte == b'\r';
                    self.end_line(emit);
                    bytes = rest;
                }
                (At::Data | At::Id | At::Other, _) => {
                    let end = memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
                    let (line, behind) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
                    if self.at == At::Data {
                        self.first =
                            self.first.or_else(|| line.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t')));
                        match self.first {
                            Some(b'{' | b'[') | None => self.scanner.read(line, emit),
                            Some(_) => {
                                self.other.extend(line.iter().take(MAX_ENDPOINT.saturating_sub(self.other.len())))
                            }
                        }
                    } else if self.at == At::Id {
                        self.id.get_or_insert_default().write(line);
                    }
                    bytes = behind;
                }
                (at, _) => {
                    let (next, taken) = begin_of_line(at, byte);
                    if next == At::Colon {
                        self.begin_data(emit);
                    }
                    self.at = next;
                    bytes = if taken { rest } else { bytes };
                }
            }
        }
    }

    /// The stream ends. An event without the blank line behind it is counted, and else forgotten: clients do not see it
    /// either.
    pub(crate) fn end(&mut self) {
        let _also_blank = self.scanner.discard();
        self.unfinished += u64::from(self.first.is_some());
        (self.at, self.behind_return, self.has_data) = (At::Mark(0), false, false);
        (self.first, self.id, self.endpoint) = (None, None, None);
        self.other.clear();
    }

    /// The data of an event that was no message, if there was one since this was asked.
    #[cfg(feature = "tower")]
    pub(crate) fn take_endpoint(&mut self) -> Option<String> {
        self.endpoint.take()
    }

    /// How many events had data and no end.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unfinished(&self) -> u64 {
        self.unfinished
    }

    fn end_line(&mut self, emit: &mut impl FnMut(Message)) {
        match self.at {
            // A blank line.
            At::Mark(0) | At::Name(0) => {
                match self.first.take() {
                    None | Some(b'{' | b'[') => {
                        let event = self.id.as_ref().map(ProcessHasher::finish_some);
                        self.scanner.end(&mut |message: Message| {
                            let event = event.filter(|_| message.batch.is_none());
                            emit(Message { event, ..message });
                        });
                    }
                    Some(_) => {
                        let _is_none = self.scanner.discard();
                        self.endpoint = String::from_utf8(std::mem::take(&mut self.other)).ok();
                    }
                }
                self.id = None;
                self.has_data = false;
            }
            // A name without a colon is a field without a value.
            At::Name(DATA_LENGTH) => self.begin_data(emit),
            _ => {}
        }
        self.at = At::Name(0);
    }

    /// Another line of data.
    fn begin_data(&mut self, emit: &mut impl FnMut(Message)) {
        if std::mem::replace(&mut self.has_data, true) {
            self.scanner.read(b"\n", emit);
        }
    }
}

/// What follows that byte, and whether the byte belongs to what was there before.
fn begin_of_line(at: At, byte: u8) -> (At, bool) {
    match at {
        At::Mark(read) if MARK.get(read) == Some(&byte) => match read + 1 {
            MARK_LENGTH => (At::Name(0), true),
            read => (At::Mark(read), true),
        },
        At::Mark(0) => (At::Name(0), false),
        At::Name(DATA_LENGTH) if byte == b':' => (At::Colon, true),
        At::Name(0) if byte == b'i' => (At::IdName(1), true),
        At::IdName(1) if byte == b'd' => (At::IdName(2), true),
        At::IdName(2) if byte == b':' => (At::IdColon, true),
        At::IdColon => (At::Id, byte == b' '),
        At::Name(read) if DATA.get(read) == Some(&byte) => (At::Name(read + 1), true),
        At::Colon => (At::Data, byte == b' '),
        _ => (At::Other, false),
    }
}

const MAX_ENDPOINT: usize = 2048;
const DATA: &[u8; DATA_LENGTH] = b"data";
const DATA_LENGTH: usize = 4;
const MARK: &[u8; MARK_LENGTH] = b"\xef\xbb\xbf";
const MARK_LENGTH: usize = 3;
