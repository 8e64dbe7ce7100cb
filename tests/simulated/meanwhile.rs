//! The work of another thread between the beginning and the end of a sync.

use std::fmt;

use super::{SimulatedFs, State};

pub(super) struct Meanwhile {
    process: usize,
    /// How many syncs begin before.
    passing: u64,
    what: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} in a sync, {} to come", self.process, self.passing)
    }
}

impl SimulatedFs {
    /// Has something happen in the middle of one of the next syncs of files of this process, once. Nothing of the disk is locked
    /// then; locks of the process that it holds in a sync are.
    pub fn meanwhile(&self, passing: u64, what: impl FnOnce() + Send + 'static) {
        let what = Box::new(what);
        self.state().meanwhile.push(Meanwhile { process: self.process, passing, what });
    }

    /// What was to happen in a sync of this process does not happen any more.
    pub fn nothing_meanwhile(&self) {
        let is_that = |it: &mut Meanwhile| it.process == self.process;
        let forgotten: Vec<_> = self.state().meanwhile.extract_if(.., is_that).collect();
        // What it holds may be files, which look at the disk when they are closed: it is not locked here.
        drop(forgotten);
    }

    /// A sync is under way.
    pub(super) fn is_syncing(&self) {
        let due = self.state().due(self.process);
        if let Some(what) = due {
            what();
        }
    }
}

impl State {
    fn due(&mut self, process: usize) -> Option<Box<dyn FnOnce() + Send>> {
        if self.processes[process].dead {
            return None;
        }
        let at = self.meanwhile.iter().position(|it| it.process == process)?;
        let waiting = self.meanwhile.get_mut(at)?;
        if waiting.passing > 0 {
            waiting.passing -= 1;
            return None;
        }
        Some(self.meanwhile.remove(at).what)
    }
}
