//! Something else that happens in the middle of what a process does: what another process does, or another thread of it.
//!
//! An operation of the disk is one moment, but for a `sync`, which has a beginning and an end.

use std::fmt;

use super::{SimulatedFs, State};

/// In the middle of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before an operation of any kind.
    Operation,
    /// Between the beginning and the end of a sync.
    Sync,
}

pub(super) struct Meanwhile {
    process: usize,
    moment: Moment,
    /// How many such moments pass before.
    passing: u64,
    what: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} at {:?}, {} to come", self.process, self.moment, self.passing)
    }
}

impl SimulatedFs {
    /// Has something happen in one of the next such moments of this process, once. Nothing of the disk is locked then. It does not
    /// use this process's journal but where no lock of that is held in a sync.
    pub fn meanwhile(&self, moment: Moment, passing: u64, what: impl FnOnce() + Send + 'static) {
        let what = Box::new(what);
        self.state().meanwhile.push(Meanwhile { process: self.process, moment, passing, what });
    }

    /// What was to happen in such a moment of this process does not happen any more.
    pub fn nothing_meanwhile(&self, moment: Moment) {
        let is_that = |it: &mut Meanwhile| (it.process, it.moment) == (self.process, moment);
        let forgotten: Vec<_> = self.state().meanwhile.extract_if(.., is_that).collect();
        // What it holds may be files, which look at the disk when they are closed: it is not locked here.
        drop(forgotten);
    }

    pub(super) fn pass(&self, moment: Moment) {
        let due = self.state().due(self.process, moment);
        if let Some(what) = due {
            what();
        }
    }
}

impl State {
    fn due(&mut self, process: usize, moment: Moment) -> Option<Box<dyn FnOnce() + Send>> {
        if self.processes[process].dead {
            // It does nothing any more, whatever its code believes.
            return None;
        }
        let at = self.meanwhile.iter().position(|it| (it.process, it.moment) == (process, moment))?;
        let waiting = self.meanwhile.get_mut(at)?;
        if waiting.passing > 0 {
            waiting.passing -= 1;
            return None;
        }
        Some(self.meanwhile.remove(at).what)
    }
}
