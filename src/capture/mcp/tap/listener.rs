//! Hears what passes in one direction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::correlate::{Correlator, Exchange};
#[cfg(feature = "rmcp")]
use super::super::message::Kind;
use super::super::message::Message;
use super::super::scan::Lines;
use super::super::turns::{MANY, PIECE};
use crate::trail::{Core, Direction, Pause};

#[derive(Debug)]
pub(in crate::capture::mcp) struct Listener {
    core: Arc<Core>,
    exchange: Arc<Exchange>,
    direction: Direction,
    lines: Lines,
    /// Messages since others had a turn, and whether it was asked whether to pause since the last came.
    messages: usize,
    is_asked: bool,
    is_deaf: bool,
}

impl Listener {
    pub(super) fn new(
        core: &Arc<Core>,
        correlator: &Correlator,
        exchange: &Arc<Exchange>,
        direction: Direction,
    ) -> Self {
        let lines = Lines::new(correlator.reading().clone());
        let (core, exchange) = (core.clone(), exchange.clone());
        Self { core, exchange, direction, lines, messages: 0, is_asked: true, is_deaf: false }
    }

    /// These bytes pass.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let mut messages = 0;
        self.guarded(|lines, exchange, direction| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let length = lines.read(rest, &mut |message| {
                    messages += 1;
                    drop(exchange.see(direction, message));
                });
                rest = rest.get(length..).unwrap_or_default();
            }
        });
        self.messages += messages;
        self.is_asked &= messages == 0;
    }

    /// These bytes pass, as far as to where others have a turn. Says how many of them.
    pub(super) fn hear_some(&mut self, bytes: &[u8]) -> usize {
        let mut heard = 0;
        for piece in bytes.chunks(PIECE) {
            if self.messages >= MANY {
                break;
            }
            self.hear(piece);
            heard += piece.len();
        }
        heard
    }

    /// What is to be waited for before more is heard.
    pub(super) fn pause(&mut self) -> Option<Pause> {
        let is_asked = std::mem::replace(&mut self.is_asked, true);
        if is_asked { None } else { self.core.pause(self.messages >= MANY) }
    }

    /// Whether others have to have a turn, which they have then.
    pub(super) fn takes_turn(&mut self) -> bool {
        let is_time = self.messages >= MANY;
        if is_time {
            self.had_turn();
        }
        is_time
    }

    /// Others had a turn.
    pub(super) fn had_turn(&mut self) {
        self.messages = 0;
    }

    /// No more will.
    pub(in crate::capture::mcp) fn end(&mut self) {
        self.guarded(|lines, exchange, direction| {
            lines.end(&mut |message| drop(exchange.see(direction, message)));
        });
    }

    /// Reads bytes that are to be written, no further than through the end of a line with answers, and says how far. The
    /// answers are given back, to be told once that is known; all else is heard at once.
    #[cfg(feature = "rmcp")]
    pub(in crate::capture::mcp) fn hear_before(&mut self, bytes: &[u8], answers: &mut Vec<Message>) -> usize {
        let mut read = bytes.len();
        self.guarded(|lines, exchange, direction| {
            read = lines.read(bytes, &mut |message| {
                let is_answer = matches!(message.kind(direction), Some(Kind::Result | Kind::Error));
                // A line of nothing but answers is no reason to hold them all.
                if is_answer && answers.len() < MOST_ANSWERS {
                    answers.push(message);
                } else {
                    drop(exchange.see(direction, message));
                }
            });
        });
        read
    }

    /// Reads bytes that nobody gets: the calls that are answered there are not.
    #[cfg(feature = "rmcp")]
    pub(in crate::capture::mcp) fn lose(&mut self, bytes: &[u8]) {
        self.guarded(|lines, exchange, direction| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let length = lines.read(rest, &mut |message| exchange.lose(direction, &message));
                rest = rest.get(length..).unwrap_or_default();
            }
        });
    }

    /// These answers were written, or never will be.
    #[cfg(feature = "rmcp")]
    pub(in crate::capture::mcp) fn told(&mut self, answers: &mut Vec<Message>, is_written: bool) {
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

    fn guarded(&mut self, act: impl FnOnce(&mut Lines, &Exchange, Direction)) {
        if self.is_deaf {
            return;
        }
        let Self { exchange, lines, direction, .. } = self;
        if catch_unwind(AssertUnwindSafe(|| act(lines, exchange, *direction))).is_err() {
            self.is_deaf = true;
            self.core.notices().warn(format!(
                "the tap of an MCP connection panicked; what goes {} is not audited any more, and passes as before",
                match self.direction {
                    Direction::ClientToServer => "from the client to the server",
                    Direction::ServerToClient => "from the server to the client",
                }
            ));
        }
    }
}

/// Far more than a line of answers has that anybody means.
#[cfg(feature = "rmcp")]
const MOST_ANSWERS: usize = 256;
