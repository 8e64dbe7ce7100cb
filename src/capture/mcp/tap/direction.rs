//! Reads the messages that pass in one direction of a connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::capture::mcp::correlate::{Correlator, Exchange};
use crate::capture::mcp::message::Message;
#[cfg(feature = "rmcp")]
use crate::capture::mcp::message::MessageKind;
use crate::capture::mcp::scan::Lines;
#[cfg(feature = "internals")]
use crate::trail::OpenCall;
use crate::trail::{Core, Direction};

/// A reader that contains its own panics: after one, it reads nothing more.
#[derive(Debug)]
pub struct DirectionReader {
    core: Arc<Core>,
    exchange: Arc<Exchange>,
    direction: Direction,
    lines: Lines,
    has_panicked: bool,
}

impl DirectionReader {
    /// A reader of what passes in that direction.
    pub fn new(core: &Arc<Core>, correlator: &Correlator, exchange: &Arc<Exchange>, direction: Direction) -> Self {
        let lines = Lines::new(correlator.reading().clone());
        Self { core: core.clone(), exchange: exchange.clone(), direction, lines, has_panicked: false }
    }

    /// Reads up to and including the newline that ends a line with a message, and returns how many bytes that were.
    /// Messages go to the correlator, except those that `keep` takes.
    pub fn read(&mut self, bytes: &[u8], mut keep: impl FnMut(Message) -> Option<Message>) -> usize {
        let read = self.guarded(|lines, exchange, direction| {
            lines.read(bytes, &mut |message| pass_on(exchange, direction, keep(message)))
        });
        read.unwrap_or(bytes.len())
    }

    /// Reads all bytes.
    pub(crate) fn read_all(&mut self, mut bytes: &[u8], mut keep: impl FnMut(Message) -> Option<Message>) {
        while !bytes.is_empty() {
            let length = self.read(bytes, &mut keep);
            bytes = bytes.get(length..).unwrap_or_default();
        }
    }

    /// No more bytes will come.
    pub fn end(&mut self, mut keep: impl FnMut(Message) -> Option<Message>) {
        self.guarded(|lines, exchange, direction| {
            lines.end(&mut |message| pass_on(exchange, direction, keep(message)));
        });
    }

    /// Gives a message that was kept to the correlator.
    #[cfg(feature = "internals")]
    pub fn see(&mut self, message: Message) -> Option<Arc<OpenCall>> {
        self.guarded(|_, exchange, direction| exchange.see(direction, message)).flatten()
    }

    /// A call was answered instead of by the server.
    #[cfg(feature = "internals")]
    pub fn refuse(&mut self, call: &Arc<OpenCall>, answer: Message) {
        self.guarded(|_, exchange, _| exchange.refuse(call, answer));
    }

    /// Blocks while the disk is behind. For a separate thread: no record is left out because its writer is faster.
    #[cfg(feature = "internals")]
    pub fn wait_for_disk(&self) {
        self.exchange.wait_for_disk();
    }

    /// Whether it has stopped reading.
    #[cfg(feature = "internals")]
    pub fn has_panicked(&self) -> bool {
        self.has_panicked
    }

    /// Reads bytes that are to be written, like [`read`](Self::read). Answers are kept, to be finished once it is
    /// known whether they were written.
    #[cfg(feature = "rmcp")]
    pub(crate) fn read_before_writing(&mut self, bytes: &[u8], answers: &mut Vec<Message>) -> usize {
        let direction = self.direction;
        self.read(bytes, |message| {
            let is_answer = matches!(message.kind(direction), Some(MessageKind::Result | MessageKind::Error));
            // A line of only answers is no reason to hold them all.
            if is_answer && answers.len() < MAX_ANSWERS {
                answers.push(message);
                return None;
            }
            Some(message)
        })
    }

    /// These answers were written, or never will be.
    #[cfg(feature = "rmcp")]
    pub(crate) fn finish(&mut self, answers: &mut Vec<Message>, is_written: bool) {
        self.guarded(|_, exchange, direction| {
            for answer in answers.drain(..) {
                if is_written {
                    drop(exchange.see(direction, answer));
                } else {
                    exchange.lose(direction, &answer);
                }
            }
        });
    }

    /// Reads bytes that are not delivered: calls that are answered in them have no answer.
    #[cfg(feature = "rmcp")]
    pub(crate) fn lose(&mut self, bytes: &[u8]) {
        self.guarded(|lines, exchange, direction| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let length = lines.read(rest, &mut |message| exchange.lose(direction, &message));
                rest = rest.get(length..).unwrap_or_default();
            }
        });
    }

    fn guarded<T>(&mut self, act: impl FnOnce(&mut Lines, &Exchange, Direction) -> T) -> Option<T> {
        if self.has_panicked {
            return None;
        }
        let Self { exchange, lines, direction, .. } = self;
        let done = catch_unwind(AssertUnwindSafe(|| act(lines, exchange, *direction))).ok();
        if done.is_none() {
            self.has_panicked = true;
            self.core.notices().warn(format!(
                "the audit of the bytes {} panicked; they are not audited any more, and the connection goes on; please report this as a \
                 bug of auditrail",
                match self.direction {
                    Direction::ClientToServer => "from the client to the server",
                    Direction::ServerToClient => "from the server to the client",
                }
            ));
        }
        done
    }
}

/// To the correlator, unless it is kept.
fn pass_on(exchange: &Exchange, direction: Direction, message: Option<Message>) {
    if let Some(message) = message {
        drop(exchange.see(direction, message));
    }
}

/// More than a line of answers has in practice.
#[cfg(feature = "rmcp")]
const MAX_ANSWERS: usize = 256;
