//! Hears what passes in one direction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::capture::mcp::correlate::{Correlator, Exchange};
use crate::capture::mcp::message::Message;
use crate::capture::mcp::scan::Lines;
use crate::config::Notices;
use crate::trail::{Direction, OpenCall};

/// A reader of messages whose panics are contained: it is deaf then.
#[derive(Debug)]
pub(super) struct Ear {
    exchange: Arc<Exchange>,
    notices: Notices,
    direction: Direction,
    lines: Lines,
    is_deaf: bool,
}

impl Ear {
    pub(super) fn new(
        correlator: &Correlator,
        exchange: &Arc<Exchange>,
        notices: &Notices,
        direction: Direction,
    ) -> Self {
        let lines = Lines::new(correlator.reading().clone());
        Self { exchange: exchange.clone(), notices: notices.clone(), direction, lines, is_deaf: false }
    }

    /// Reads on, no further than through the newline that ends a line with a message, and says how far. Messages are taken
    /// in at once, but for those that are kept.
    pub(super) fn read(&mut self, bytes: &[u8], keep: impl FnMut(Message) -> Option<Message>) -> usize {
        // The thread is for this alone: who writes faster than the disk waits for it, and no record is left out for that.
        self.exchange.wait_for_disk();
        self.contained(keep, |lines, mut emit| lines.read(bytes, &mut emit)).unwrap_or(bytes.len())
    }

    /// No more will pass.
    pub(super) fn end(&mut self, keep: impl FnMut(Message) -> Option<Message>) {
        self.contained(keep, |lines, mut emit| lines.end(&mut emit));
    }

    /// Takes in a message that was kept.
    pub(super) fn see(&mut self, message: Message) -> Option<Arc<OpenCall>> {
        let (exchange, direction) = (self.exchange.clone(), self.direction);
        self.guarded(|_| exchange.see(direction, message)).flatten()
    }

    /// Takes in that a call was answered in the place of the server.
    pub(super) fn refuse(&mut self, call: &Arc<OpenCall>, answer: Message) {
        let exchange = self.exchange.clone();
        self.guarded(|_| exchange.refuse(call, answer));
    }

    /// Whether it hears nothing any more, after a panic.
    pub(super) fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    fn contained<T>(
        &mut self,
        mut keep: impl FnMut(Message) -> Option<Message>,
        read: impl FnOnce(&mut Lines, &mut dyn FnMut(Message)) -> T,
    ) -> Option<T> {
        let (exchange, direction) = (self.exchange.clone(), self.direction);
        self.guarded(|lines| {
            read(lines, &mut |message| {
                if let Some(message) = keep(message) {
                    drop(exchange.see(direction, message));
                }
            })
        })
    }

    fn guarded<T>(&mut self, act: impl FnOnce(&mut Lines) -> T) -> Option<T> {
        if self.is_deaf {
            return None;
        }
        let lines = &mut self.lines;
        let done = catch_unwind(AssertUnwindSafe(|| act(lines))).ok();
        if done.is_none() {
            self.is_deaf = true;
            self.notices.warn(format!(
                "the audit of what goes {} panicked; it is not audited any more",
                match self.direction {
                    Direction::ClientToServer => "from the client to the server",
                    Direction::ServerToClient => "from the server to the client",
                }
            ));
        }
        done
    }
}
