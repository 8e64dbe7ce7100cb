//! Two processes at the same time: one of them does something, then the other, and they change at operations of the disk, by
//! chance. So what they do is the same again with the same seed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use super::{Chance, SimulatedFs};

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turns {
    state: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Debug)]
struct Turn {
    chance: Chance,
    processes: [usize; 2],
    /// Which of the two.
    of: usize,
    ended: [bool; 2],
}

impl SimulatedFs {
    /// Runs both to their ends, the first one of this process and the second one of the other.
    pub fn at_once(&self, other: &Self, seed: u64, one: impl FnOnce() + Send, two: impl FnOnce() + Send) {
        let turn =
            Turn { chance: Chance::new(seed), processes: [self.process, other.process], of: 0, ended: [false; 2] };
        let turns = Arc::new(Turns { state: Mutex::new(turn), changed: Condvar::new() });
        self.state().turns = Some(turns.clone());
        thread::scope(|scope| {
            let (first, second) = (turns.clone(), turns.clone());
            let other = scope.spawn(move || {
                let _ending = Ending(&second, 1);
                second.wait_for(1);
                two();
            });
            {
                let _ending = Ending(&first, 0);
                one();
            }
            // So that it is its panic that is seen.
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
        self.state().turns = None;
    }

    /// The other one may go on now.
    pub(super) fn change_turns(&self) {
        let turns = self.state().turns.clone();
        turns.iter().for_each(|turns| turns.may_change(self.process));
    }
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, Turn> {
        self.state.lock().unwrap()
    }

    fn may_change(&self, process: usize) {
        let mut state = self.state();
        let Some(me) = state.processes.iter().position(|it| *it == process) else { return };
        if !state.ended[1 - me] && state.chance.one_in(4) {
            state.of = 1 - me;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| state.of != me).unwrap());
        }
    }

    fn wait_for(&self, me: usize) {
        drop(self.changed.wait_while(self.state(), |state| state.of != me).unwrap());
    }
}

/// From then on it is the other's turn, also after a panic.
struct Ending<'t>(&'t Turns, usize);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended[self.1] = true;
        state.of = 1 - self.1;
        self.0.changed.notify_all();
    }
}
