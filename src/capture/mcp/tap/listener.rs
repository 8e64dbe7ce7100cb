//! Hears what passes in one direction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::correlate::Correlator;
use super::super::message::Message;
use super::super::scan::Lines;
use super::Ends;
use crate::trail::{Core, Direction};

#[derive(Debug)]
pub(super) struct Listener {
    core: Arc<Core>,
    ends: Arc<Ends>,
    direction: Direction,
    lines: Lines,
    is_deaf: bool,
}

impl Listener {
    pub(super) fn new(core: &Arc<Core>, correlator: &Correlator, ends: Arc<Ends>, direction: Direction) -> Self {
        let lines = Lines::new(correlator.reading().clone());
        Self { core: core.clone(), ends, direction, lines, is_deaf: false }
    }

    /// These bytes pass.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.guarded(|lines, mut see| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let length = lines.read(rest, &mut see);
                rest = rest.get(length..).unwrap_or_default();
            }
        });
    }

    /// No more will.
    pub(super) fn end(&mut self) {
        self.guarded(|lines, mut see| lines.end(&mut see));
    }

    fn guarded(&mut self, read: impl FnOnce(&mut Lines, &dyn Fn(Message))) {
        if self.is_deaf {
            return;
        }
        let Self { ends, lines, direction, .. } = self;
        let read = AssertUnwindSafe(|| read(lines, &|message| drop(ends.0.see(*direction, message))));
        if catch_unwind(read).is_err() {
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
