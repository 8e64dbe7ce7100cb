//! Messages in server-sent events (WHATWG HTML, section 9.2 "Server-sent events"): the data of one event is one document.
//!
//! Invariants:
//! 1. An event counts when the blank line after it has arrived, never before, because clients do not see it earlier
//!    either.
//! 2. It is a message only if it has no name or the name `message`, whatever its data. The official SDKs skip all
//!    other names (TypeScript: `!event.event || event.event === 'message'`, Python: `sse.event == "message"`).
//! 3. Data that do not begin like a message (`ping`) are skipped, too.
//! 4. In the transport of 2024-11-05 (HTTP with SSE), the event `endpoint` says where the client has to send its
//!    messages: a path, or a URI.

use std::hash::Hasher as _;
use std::sync::Arc;

use memchr::{memchr, memchr2, memchr3};

use crate::capture::mcp::message::{Message, ScanOptions};
use crate::capture::mcp::scan::process_hasher::ProcessHasher;
use crate::capture::mcp::scan::scanner::{Documents, Scanner};
use crate::capture::mcp::scan::tokens::KeyText;

/// Reads the messages of an event stream.
#[derive(Debug)]
pub(crate) struct Events {
    scanner: Scanner,
    at: EventState,
    /// The last byte was a carriage return; a newline that follows belongs to it.
    behind_return: bool,
    /// The name of the field.
    field: KeyText,
    event: SseEvent,
    endpoint: Option<String>,
    unfinished: u64,
}

/// What is known of the event that is being read.
#[derive(Debug, Default)]
struct SseEvent {
    name: KeyText,
    /// It has a line of data.
    has_data: bool,
    /// The first byte of its data.
    first: Option<u8>,
    /// Its data if they are not a message, up to the length of a URI.
    other: Vec<u8>,
    /// The elements of a batch, which are complete before the event is.
    batch: Vec<Message>,
    /// A hash of its id.
    id: Option<ProcessHasher>,
    /// A hash of the id on the current line, and whether it contains a NUL, in which case the line does not count.
    next_id: Option<ProcessHasher>,
    has_nul: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventState {
    /// In the byte order mark that may begin the stream, after so many of its bytes.
    Mark(usize),
    /// In the name of a field.
    Name,
    /// After the colon, where one space does not count.
    Colon(EventField),
    Value(EventField),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventField {
    Data,
    Event,
    Id,
    /// A comment, or another field.
    Other,
}

impl Events {
    pub(crate) fn new(reading: Arc<ScanOptions>) -> Self {
        let scanner = Scanner::new(reading, Documents::One);
        let (field, event) = (KeyText::default(), SseEvent::default());
        Self { scanner, at: EventState::Mark(0), behind_return: false, field, event, endpoint: None, unfinished: 0 }
    }

    /// Reads more bytes. A message is emitted at the blank line that ends its event.
    pub(crate) fn read(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(Message)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            let behind_return = std::mem::take(&mut self.behind_return);
            bytes = match (self.at, byte) {
                (_, b'\n') if behind_return => rest,
                (_, b'\n' | b'\r') => {
                    self.behind_return = byte == b'\r';
                    self.end_line(emit);
                    rest
                }
                (EventState::Mark(read), _) if MARK.get(read) == Some(&byte) => {
                    self.at = if read + 1 == MARK.len() { EventState::Name } else { EventState::Mark(read + 1) };
                    rest
                }
                // The beginning of a mark is not the beginning of a name.
                (EventState::Mark(read), _) => {
                    self.at = if read == 0 { EventState::Name } else { EventState::Value(EventField::Other) };
                    bytes
                }
                (EventState::Name, b':') => {
                    let field = EventField::named(&self.field);
                    self.begin(field);
                    self.at = EventState::Colon(field);
                    rest
                }
                (EventState::Name, _) => {
                    let (name, behind) = split(bytes, memchr3(b':', b'\n', b'\r', bytes));
                    self.field.push(name);
                    behind
                }
                (EventState::Colon(field), _) => {
                    self.at = EventState::Value(field);
                    if byte == b' ' { rest } else { bytes }
                }
                (EventState::Value(field), _) => {
                    let (value, behind) = split(bytes, memchr2(b'\n', b'\r', bytes));
                    self.value(field, value);
                    behind
                }
            };
        }
    }

    /// The stream ends. An event without a blank line after it is counted and otherwise discarded (1).
    pub(crate) fn end(&mut self) {
        let _also_blank = self.scanner.discard();
        self.unfinished += u64::from(self.event.first.is_some());
        self.event = SseEvent::default();
        self.field.clear();
        (self.at, self.behind_return, self.endpoint) = (EventState::Mark(0), false, None);
    }

    /// Where messages are to be sent, if an event said so since the last call (4).
    #[cfg(feature = "tower")]
    pub(crate) fn take_endpoint(&mut self) -> Option<String> {
        self.endpoint.take()
    }

    /// How many events had data and no end.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// A line of that field begins. The last name and the last id count.
    fn begin(&mut self, field: EventField) {
        let event = &mut self.event;
        match field {
            EventField::Data => {
                if std::mem::replace(&mut event.has_data, true) {
                    self.scanner.read(b"\n", &mut |message| event.take(message));
                }
            }
            EventField::Event => event.name.clear(),
            EventField::Id => (event.next_id, event.has_nul) = (None, false),
            EventField::Other => {}
        }
    }

    /// A part of the value of that field.
    fn value(&mut self, field: EventField, value: &[u8]) {
        let event = &mut self.event;
        match field {
            EventField::Data => {
                let first = || value.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t'));
                event.first = event.first.or_else(first);
                match event.first {
                    Some(b'{' | b'[') | None => self.scanner.read(value, &mut |message| event.take(message)),
                    Some(_) => event.other.extend(value.iter().take(MAX_ENDPOINT.saturating_sub(event.other.len()))),
                }
            }
            EventField::Event => event.name.push(value),
            EventField::Id => {
                event.has_nul |= memchr(0, value).is_some();
                event.next_id.get_or_insert_default().write(value);
            }
            EventField::Other => {}
        }
    }

    fn end_line(&mut self, emit: &mut impl FnMut(Message)) {
        match self.at {
            EventState::Mark(0) => self.end_event(emit),
            EventState::Name if self.field.is(b"") => self.end_event(emit),
            // A name without a colon is a field without a value.
            EventState::Name => {
                let field = EventField::named(&self.field);
                self.begin(field);
                self.end_field(field);
            }
            EventState::Colon(field) | EventState::Value(field) => self.end_field(field),
            EventState::Mark(_) => {}
        }
        self.field.clear();
        self.at = EventState::Name;
    }

    fn end_field(&mut self, field: EventField) {
        let event = &mut self.event;
        if field == EventField::Id && !event.has_nul {
            event.id = event.next_id.take();
        }
    }

    /// A blank line.
    fn end_event(&mut self, emit: &mut impl FnMut(Message)) {
        // This includes its id: an earlier event's id says where a resumed stream continues, and is not this event's.
        let mut event = std::mem::take(&mut self.event);
        let is_message = event.name.is(b"") || event.name.is(b"message");
        if is_message && matches!(event.first, None | Some(b'{' | b'[')) {
            let id = event.id.as_ref().map(ProcessHasher::finish_some);
            event.batch.drain(..).for_each(&mut *emit);
            self.scanner.end(&mut |message: Message| {
                let event = id.filter(|_| message.batch.is_none());
                emit(Message { event, ..message });
            });
            return;
        }
        let _is_none = self.scanner.discard();
        if event.name.is(b"endpoint") && !event.other.is_empty() {
            self.endpoint = str::from_utf8(&event.other).ok().map(|uri| uri.trim().to_owned());
        }
    }
}

impl SseEvent {
    /// What the scanner emits before the end of a document is an element of a batch.
    fn take(&mut self, message: Message) {
        if self.batch.len() < MAX_BATCH {
            self.batch.push(message);
        }
    }
}

impl EventField {
    fn named(name: &KeyText) -> Self {
        match name.bytes() {
            b"data" => Self::Data,
            b"event" => Self::Event,
            b"id" => Self::Id,
            _ => Self::Other,
        }
    }
}

/// The bytes before that index, and from there on.
fn split(bytes: &[u8], at: Option<usize>) -> (&[u8], &[u8]) {
    at.and_then(|at| bytes.split_at_checked(at)).unwrap_or((bytes, &[]))
}

const MAX_ENDPOINT: usize = 2048;
/// More answers than any client expects in one event. The rest does not count, so that no server can fill the memory.
const MAX_BATCH: usize = 64;
const MARK: &[u8] = b"\xef\xbb\xbf";
