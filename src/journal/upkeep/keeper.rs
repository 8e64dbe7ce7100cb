//! The thread that keeps a journal: it commits, prepares segments and watches the files.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::error::JournalError;
use crate::journal::handle::Journal;
use crate::journal::state::{Shared, State};
use crate::locks::MutexGuard;

/// Owns the threads of an open journal: this one and the writer thread.
#[derive(Debug)]
pub struct Keeper {
    journal: Journal,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Keeper {
    pub(in crate::journal) fn start(journal: &Journal) -> Result<Self, JournalError> {
        let mut keeper = Self { journal: journal.clone(), threads: Vec::new() };
        // Set before the thread runs: a job for a thread that is still starting waits for it.
        keeper.start_thread("auditrail-journal", |state| &mut state.upkeep.has_keeper, keep)?;
        keeper.start_thread(
            "auditrail-writer",
            |state| &mut state.jobs.has_writer,
            |shared| shared.write_for_others(),
        )?;
        Ok(keeper)
    }

    fn start_thread(
        &mut self,
        name: &str,
        is_there: fn(&mut State) -> &mut bool,
        run: fn(&Arc<Shared>),
    ) -> Result<(), JournalError> {
        let shared = self.journal.0.clone();
        *is_there(&mut shared.state()) = true;
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            run(&shared);
            *is_there(&mut shared.state()) = false;
            shared.ended.notify_all();
        });
        let started = thread.map(|thread| self.threads.push(thread));
        if started.is_err() {
            *is_there(&mut self.journal.0.state()) = false;
        }
        started.map_err(JournalError::io(
            "start a thread for",
            self.journal.0.paths.root(),
            "the process may be at its limit of threads",
        ))
    }
}

impl Drop for Keeper {
    /// Commits what is left and stops. A thread that waits for a stalled disk is left behind.
    fn drop(&mut self) {
        let shared = &self.journal.0;
        if self.journal.is_inherited() {
            // The threads belong to the parent; this process only has their handles.
            return std::mem::forget(std::mem::take(&mut self.threads));
        }
        let mut state = shared.state();
        state.upkeep.stop = true;
        shared.commit_wanted.notify_all();
        shared.job_wanted.notify_all();
        let runs = |state: &mut State| state.upkeep.has_keeper || state.jobs.has_writer;
        state = shared.ended.wait_timeout_while(state, LAST_COMMIT, runs);
        if !runs(&mut state) {
            drop(state);
            // The thread has printed its panic; there is nothing to add.
            self.threads.drain(..).for_each(|thread| drop(thread.join()));
        }
    }
}

fn keep(shared: &Arc<Shared>) {
    let mut watched = Instant::now();
    loop {
        let stop = shared.wait_for_work();
        // Waiting threads and the watcher get the errors.
        drop(shared.commit());
        if stop {
            return;
        }
        shared.prepare_ahead();
        let watch = watched.elapsed() >= WATCH_INTERVAL;
        if watch {
            watched = Instant::now();
            shared.watch();
            shared.rest();
            // What waits to be removed with more waits no longer than this, also if nobody settles any more: another process
            // may have no room. Once in an interval, the sync that it takes costs nothing.
            shared.free_room();
        }
        // A full disk is not tried at every commit; `wake_for_room` clears the mark.
        if watch || shared.state().segments.full_because.is_none() {
            shared.look_for_room();
        }
    }
}

impl Journal {
    /// What the thread does besides commits: prepares the next segment, watches the files, reports to the watcher. For
    /// journals without threads.
    pub fn maintain(&self) {
        if self.is_inherited() {
            return;
        }
        self.0.prepare_ahead();
        self.0.watch();
        self.0.look_for_room();
    }
}

impl Shared {
    /// Waits until a thread wants a commit, something has been unsynced for the interval, or it is time to watch. Returns
    /// whether to stop.
    fn wait_for_work(&self) -> bool {
        let begun = Instant::now();
        let mut unsynced_since = None;
        let mut state = self.state();
        while !state.upkeep.stop && !state.commits.wanted {
            let now = Instant::now();
            if !state.is_clean() {
                unsynced_since = unsynced_since.or(Some(now));
            }
            let end = unsynced_since.map_or(begun + WATCH_INTERVAL, |since| since + self.options.commit_interval);
            let left = end.saturating_duration_since(now);
            if left.is_zero() {
                break;
            }
            // Only the first record after a pause has to wake this thread.
            state.commits.keeper_sleeps = unsynced_since.is_none();
            state = self.commit_wanted.wait_timeout(state, left);
        }
        state.commits.keeper_sleeps = false;
        self.gather(state).upkeep.stop
    }

    /// The threads of the last commit were just woken, and will wait for the next one in a moment: one `fdatasync` for all
    /// of them instead of one for the first and one for the rest. A single thread does not wait.
    fn gather<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let end = Instant::now() + (state.commits.group.took / GATHER_SHARE).min(MOST_GATHERING);
        while state.commits.group.waiting > 0
            && state.commits.group.waiting < state.commits.group.last
            && !state.upkeep.stop
        {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.commits.group.gathering = Some(state.commits.group.last);
            state = self.commit_wanted.wait_timeout(state, left);
        }
        state.commits.group.gathering = None;
        state
    }
}

/// How long closing waits for the threads: longer than a commit takes on a slow disk.
const LAST_COMMIT: Duration = Duration::from_secs(5);
/// A commit waits for more threads no longer than half the time that the last one took, so that it pays off.
const GATHER_SHARE: u32 = 2;
/// On a slow disk, all threads arrive much sooner.
const MOST_GATHERING: Duration = Duration::from_millis(2);
/// The interval at which files are checked.
const WATCH_INTERVAL: Duration = Duration::from_millis(900);
