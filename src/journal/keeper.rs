//! The thread that keeps a journal: commits, prepares segments, watches its files.

use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::open::make_owner;
use super::state::State;
use super::{Identity, Journal, JournalError, Shared, error};

/// Runs as long as the journal is open.
#[derive(Debug)]
pub struct Keeper {
    journal: Journal,
    thread: Option<thread::JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(journal: &Journal) -> Result<Self, JournalError> {
        let shared = journal.0.clone();
        let thread = thread::Builder::new().name("auditrail-journal".into()).spawn(move || keep(&shared));
        let thread = thread.map_err(JournalError::io(
            "start a thread for",
            journal.0.place.root(),
            "the process may be at its limit of threads",
        ))?;
        Ok(Self { journal: journal.clone(), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    /// Commits what is left and stops.
    fn drop(&mut self) {
        if self.journal.is_inherited() {
            // The thread is the parent's: here is only its handle.
            return std::mem::forget(self.thread.take());
        }
        self.journal.0.state().stop = true;
        self.journal.0.commit_wanted.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by its thread; there is nothing to add.
            drop(thread.join());
        }
    }
}

fn keep(shared: &Arc<Shared>) {
    let mut watched = Instant::now();
    loop {
        let stop = shared.wait_for_work();
        // Failures are told to those who wait, and to the watcher.
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
        }
        // A full disk is not asked at every commit; `wake_for_room` forgets that it was full.
        if watch || shared.state().full_because.is_none() {
            shared.look_for_room();
        }
    }
}

impl Journal {
    /// What the thread of a journal does besides commits: gets the next segment ready, looks after the files, tells the
    /// watcher. For journals without one.
    pub fn maintain(&self) {
        self.0.prepare_ahead();
        self.0.watch();
        self.0.look_for_room();
    }
}

impl Shared {
    fn look_for_room(&self) {
        self.count_others();
        self.prepare();
        self.say_whether_full();
    }

    /// Until somebody waits for a commit, or something has been unsynced for the interval, or it is time to watch. Says
    /// whether to stop.
    fn wait_for_work(&self) -> bool {
        let begun = Instant::now();
        let mut unsynced_since = None;
        let mut state = self.state();
        while !state.stop && !state.commit_wanted {
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
            state.committer_sleeps = unsynced_since.is_none();
            state = self.commit_wanted.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.committer_sleeps = false;
        self.gather(state).stop
    }

    /// Those who waited for the last commit have just been woken, and will wait for the next one in a moment: one
    /// `fdatasync` for all of them instead of one for the first and one for the rest. Who comes alone does not wait.
    fn gather<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let end = Instant::now() + (state.group.took / GATHER_SHARE).min(MOST_GATHERING);
        while state.group.waiting > 0 && state.group.waiting < state.group.last && !state.stop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.group.gathering = Some(state.group.last);
            state = self.commit_wanted.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.group.gathering = None;
        state
    }

    /// Gets the pages ready that the next records will be written to. Also those that were ready before: whenever the system
    /// writes them back by itself, they are read-only again.
    fn prepare_ahead(&self) {
        let (file, offset, length) = {
            let mut state = self.state();
            let came = state.active.offset.saturating_sub(state.active.seen);
            if came == 0 {
                // Pages that nobody writes to would be written to the disk over and over.
                return;
            }
            state.active.seen = state.active.offset;
            state.ahead = (2 * came).max(state.ahead / 2).clamp(LEAST_AHEAD, MOST_AHEAD);
            let from = state.active.offset;
            let mut to = from + state.ahead;
            if to > state.active.prepared {
                // Space that is written to for the first time costs the file system a transaction of its own at the next
                // commit. Where somebody waits for commits, one of many pays for it.
                to += if state.group.last > 0 { STEP } else { 0 };
                state.active.prepared = to;
            }
            (state.active.file.clone(), from, to.min(state.active.length).saturating_sub(from))
        };
        file.prepare(offset, length);
    }

    fn say_whether_full(&self) {
        let (because, pending) = {
            let state = self.state();
            self.note_fullness(&state);
            (state.full_because.as_ref().map(|because| because.text.clone()), self.waiting(&state))
        };
        let max = self.options.max_bytes;
        match because {
            Some(because) => self.degraded(FULL, &format!("the journal has no room for another segment: {because}")),
            None if pending > max / 10 * 8 => {
                self.degraded(FILLING, &format!("{pending} of {max} bytes that may wait in the journal do"));
            }
            None => {
                self.recovered(FULL, "the journal has room again");
                if pending < max / 10 * 6 {
                    self.recovered(FILLING, "the journal has drained");
                }
            }
        }
    }

    /// A file that was removed or replaced is written again: nobody else would have what is in it.
    pub(super) fn watch(&self) {
        let (path, identity) = {
            let state = self.state();
            (state.active.path.clone(), state.active.identity)
        };
        if self.is_there(&path, identity) && self.owner_is_there() {
            self.recovered(REPLACED, "the journal's files are in their place again");
            return;
        }
        let again = {
            let mut state = self.state();
            if state.stop {
                // The stream is done and its owner has removed it.
                return;
            }
            let same = state.active.path == path;
            self.claim_again(&mut state).and_then(|()| if same { self.write_segment_again(&mut state) } else { Ok(()) })
        };
        let error = again.err().map_or(String::new(), |error| format!(", which failed: {error}"));
        self.degraded(REPLACED, &format!("{} was removed or replaced; it is written again{error}", path.display()));
    }

    fn is_there(&self, path: &Path, identity: Identity) -> bool {
        let there = self.options.fs.identity(path);
        there.is_ok_and(|there| (there.device, there.inode) == (identity.device, identity.inode))
    }

    fn owner_is_there(&self) -> bool {
        let owner = self.state().owner_again.clone().unwrap_or_else(|| self.owner.clone());
        owner.identity().is_ok_and(|identity| self.is_there(&self.place.owner(), identity))
    }

    /// Makes the file again that says whose stream it is: without it, others would take the stream for an orphan.
    fn claim_again(&self, state: &mut State) -> Result<(), JournalError> {
        let fs = &self.options.fs;
        let current = state.owner_again.as_ref().unwrap_or(&self.owner).identity();
        if current.is_ok_and(|identity| self.is_there(&self.place.owner(), identity)) {
            return Ok(());
        }
        fs.create_dir(self.place.root()).map_err(JournalError::io("create", self.place.root(), error::FIX))?;
        let new = self.place.owner().with_extension("new");
        drop(fs.remove(&new));
        let owner = make_owner(&self.options, self.stream, &new)?;
        let path = self.place.owner();
        fs.rename(&new, &path).map_err(JournalError::io("create", &path, error::FIX))?;
        state.owner_again = Some(owner);
        Ok(())
    }

    /// Copies the active segment from the file that is still open to a new one of its name.
    fn write_segment_again(&self, state: &mut State) -> Result<(), JournalError> {
        let fs = &self.options.fs;
        let failed = |what| JournalError::io(what, &state.active.path, error::FIX);
        let new = state.active.path.with_extension("new");
        drop(fs.remove(&new));
        let file = fs.create_segment(&new, state.active.length).map_err(failed("create"))?;
        let mut content = vec![0; usize::try_from(state.active.offset).unwrap_or_default()];
        let copied = state
            .active
            .file
            .read_at(0, &mut content)
            .and_then(|_| file.write_at(0, &content))
            .and_then(|()| file.sync())
            .and_then(|()| fs.rename(&new, &state.active.path))
            .and_then(|()| fs.sync_dir(self.place.root()))
            .and_then(|()| self.place.root().parent().map_or(Ok(()), |streams| fs.sync_dir(streams)))
            .and_then(|()| file.identity());
        state.active.identity = copied.map_err(failed("write"))?;
        state.active.file = file;
        state.active.prepared = 0;
        if let Some(segment) = state.segments.back_mut() {
            // The reader has the old file open.
            segment.remade += 1;
        }
        Ok(())
    }
}

const FULL: &str = crate::record::error_type::JOURNAL_FULL;
const FILLING: &str = crate::record::error_type::JOURNAL_FILLING;
const REPLACED: &str = crate::record::error_type::JOURNAL_FILE_REPLACED;
/// A commit waits for company no longer than half the time that the last one took, so that it is worth it.
const GATHER_SHARE: u32 = 2;
/// On a slow disk everybody has come much sooner.
const MOST_GATHERING: Duration = Duration::from_millis(2);
/// Files are looked at this often.
const WATCH_INTERVAL: Duration = Duration::from_millis(900);
/// Pages ahead of the writer: some dozen records, or twice of what came since the last time; less only bit by bit.
const LEAST_AHEAD: u64 = 64 * 1024;
const MOST_AHEAD: u64 = 4 << 20;
/// Dozens of commits of records that are waited for.
const STEP: u64 = 1 << 20;
