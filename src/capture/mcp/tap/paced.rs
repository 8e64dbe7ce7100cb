//! Reads what a client sends, and gives other tasks a turn.

use std::sync::Arc;

use super::direction::DirectionReader;
use crate::capture::mcp::turns::{MANY, PIECE};
use crate::trail::{Core, Pause};

#[derive(Debug)]
pub(super) struct PacedReader {
    core: Arc<Core>,
    reader: DirectionReader,
    /// Messages since the last turn of others.
    messages: usize,
    /// The trail was asked for a pause since the last message.
    is_asked: bool,
}

impl PacedReader {
    pub(super) fn new(core: &Arc<Core>, reader: DirectionReader) -> Self {
        Self { core: core.clone(), reader, messages: 0, is_asked: true }
    }

    /// Reads these bytes up to the next turn of others, and returns how many.
    pub(super) fn read_some(&mut self, bytes: &[u8]) -> usize {
        let mut read = 0;
        for piece in bytes.chunks(PIECE) {
            if self.messages >= MANY {
                break;
            }
            let mut messages = 0;
            self.reader.read_all(piece, |message| {
                messages += 1;
                Some(message)
            });
            self.messages += messages;
            self.is_asked &= messages == 0;
            read += piece.len();
        }
        read
    }

    /// What has to be waited for before more is read.
    pub(super) fn pause(&mut self) -> Option<Pause> {
        let is_asked = std::mem::replace(&mut self.is_asked, true);
        if is_asked { None } else { self.core.pause(self.messages >= MANY) }
    }

    /// Whether others are due a turn, which this call gives them.
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

    /// No more bytes will come.
    pub(super) fn end(&mut self) {
        self.reader.end(Some);
    }
}
