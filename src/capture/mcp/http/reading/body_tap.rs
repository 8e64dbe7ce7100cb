//! A tap: reads the bytes of one body as they pass.
//!
//! Invariants:
//! 1. A panic never leaves a tap: the body is relayed unread from then on, and a notice says so.
//! 2. The observer gets the end of the body exactly once: when its last byte has arrived, even if it is not polled again; at
//!    its end; at its error; or when it is dropped.
//! 3. The observer gets all messages of a body before its end.
//! 4. If a body is cut off, its complete messages count. The observer also gets the part of an incomplete message that arrived,
//!    so that it can name it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::body_reader::BodyReader;
use super::unread::UnreadReason;
use crate::capture::mcp::message::{Flaw, Message};
use crate::capture::mcp::turns::{MANY, PIECE};
use crate::trail::Pause;

/// The tap of one body.
pub(crate) struct BodyTap {
    /// `None` if the body is not, or no longer, read.
    reader: Option<BodyReader>,
    observer: Box<dyn BodyObserver>,
    #[cfg(feature = "internals")]
    guesses: bool,
    /// The bytes that are still to come, if that is known.
    left: Option<u64>,
    /// The bytes that have passed.
    size: u64,
    /// Messages since the last check for a pause.
    messages: usize,
    is_over: bool,
}

/// Receives what the tap reads.
pub(crate) trait BodyObserver: Send + Sync {
    fn message(&self, message: Message);
    /// The part of a message that arrived before the body was cut off.
    fn cut_off(&self, _message: Message) {}
    /// The stream announces where messages are to be sent.
    fn endpoint(&self, _uri: &str) {}
    /// The body continues, but is not read any more.
    fn unread(&self, why: UnreadReason);
    /// That many bytes of the body have passed, and it is over.
    fn size(&self, _bytes: u64) {}
    /// What has to be waited for before more is read, after many messages or few.
    fn pause(&self, _is_much: bool) -> Option<Pause> {
        None
    }
    fn over(&self, how: BodyEnd);
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    Complete,
    /// Its sender failed.
    Broken,
    /// Its receiver wants no more.
    Dropped,
}

impl BodyTap {
    /// Creates the tap of a body with that length, if it is known.
    pub(crate) fn new(reader: Option<BodyReader>, observer: Box<dyn BodyObserver>, length: Option<u64>) -> Self {
        #[cfg(feature = "internals")]
        let guesses = reader.as_ref().is_some_and(BodyReader::guesses);
        let mut tap = Self {
            reader,
            observer,
            #[cfg(feature = "internals")]
            guesses,
            left: length,
            size: 0,
            messages: 0,
            is_over: false,
        };
        tap.end_at_last_byte();
        tap
    }

    /// Reads bytes, at most up to the next turn of others. Returns how many were read.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> usize {
        let mut read = 0;
        for piece in bytes.chunks(PIECE) {
            if self.messages >= MANY {
                break;
            }
            self.piece(piece);
            read += piece.len();
        }
        read
    }

    /// What has to be waited for before more is read.
    pub(crate) fn pause(&mut self) -> Option<Pause> {
        let messages = std::mem::take(&mut self.messages);
        if messages == 0 { None } else { self.observer.pause(messages >= MANY) }
    }

    fn piece(&mut self, bytes: &[u8]) {
        if self.is_over {
            return;
        }
        self.size += bytes.len() as u64;
        self.guarded(|tap| {
            let Some(reader) = &mut tap.reader else { return };
            let (observer, messages) = (&tap.observer, &mut tap.messages);
            let read = reader.read(bytes, &mut |message| {
                *messages += 1;
                observer.message(message);
            });
            if let Some(endpoint) = reader.take_endpoint() {
                tap.observer.endpoint(&endpoint);
            }
            if let Err(why) = read {
                tap.reader = None;
                tap.observer.unread(why.into());
            }
        });
        self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64));
        self.end_at_last_byte();
    }

    pub(crate) fn end(&mut self, how: BodyEnd) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.guarded(|tap| {
            let Some(mut reader) = tap.reader.take() else { return };
            let complete = how == BodyEnd::Complete;
            let end = reader.end(&mut |message| {
                if complete || message.flaw != Some(Flaw::NotJson) {
                    tap.observer.message(message);
                } else if message.method.is_some() {
                    tap.observer.cut_off(message);
                }
            });
            if let (true, Err(why)) = (complete, end) {
                tap.observer.unread(why.into());
            }
        });
        self.guarded(|tap| {
            tap.observer.size(tap.size);
            tap.observer.over(how);
        });
    }

    /// With a `Content-Length`, a body is not polled past the last byte.
    fn end_at_last_byte(&mut self) {
        if self.left == Some(0) {
            self.end(BodyEnd::Complete);
        }
    }

    /// Whether the body does not declare JSON, so that it is only a guess.
    #[cfg(feature = "internals")]
    pub(crate) fn guesses(&self) -> bool {
        self.guesses
    }

    /// Whether more bytes may contain more.
    #[cfg(feature = "internals")]
    pub(crate) fn is_reading(&self) -> bool {
        self.reader.is_some() && !self.is_over
    }

    fn guarded(&mut self, act: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_err() {
            self.reader = None;
            drop(catch_unwind(AssertUnwindSafe(|| self.observer.unread(UnreadReason::Panicked))));
        }
    }
}

impl Drop for BodyTap {
    fn drop(&mut self) {
        self.end(BodyEnd::Dropped);
    }
}

impl fmt::Debug for BodyTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyTap").field("left", &self.left).field("is_over", &self.is_over).finish_non_exhaustive()
    }
}
