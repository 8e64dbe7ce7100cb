//! The thread that keeps a journal: commits, prepares segments, watches its files.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::JournalError;
use super::fs::{File, Identity};
use super::open::make_owner;
use super::state::State;
use super::{Journal, Shared, error};

/// Runs as long as the journal is open, with the thread that writes for others.
#[derive(Debug)]
pub struct Keeper {
    journal: Journal,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(journal: &Journal) -> Result<Self, JournalError> {
        let mut keeper = Self { journal: journal.clone(), threads: Vec::new() };
        // From the first moment on: what is given to a thread that does not run yet waits for it.
        keeper.start_thread("auditrail-journal", |state| &mut state.has_keeper, keep)?;
        keeper.start_thread("auditrail-writer", |state| &mut state.has_writer, |shared| shared.write_for_others())?;
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
            self.journal.0.place.root(),
            "the process may be at its limit of threads",
        ))
    }
}

impl Drop for Keeper {
    /// Commits what is left and stops. Threads that wait for a disk which stands still are left to it.
    fn drop(&mut self) {
        let shared = &self.journal.0;
        if self.journal.is_inherited() {
            // The threads are the parent's: here are only their handles.
            return std::mem::forget(std::mem::take(&mut self.threads));
        }
        let mut state = shared.state();
        state.stop = true;
        shared.commit_wanted.notify_all();
        shared.job_wanted.notify_all();
        let runs = |state: &mut State| state.has_keeper || state.has_writer;
        state = shared.ended.wait_timeout_while(state, LAST_COMMIT, runs).unwrap_or_else(PoisonError::into_inner).0;
        if !runs(&mut state) {
            drop(state);
            // A panic there was printed by its thread; there is nothing to add.
            self.threads.drain(..).for_each(|thread| drop(thread.join()));
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
        if self.is_inherited() {
            return;
        }
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
        if self.state().stop {
            // The stream is done and its owner has removed it.
            return;
        }
        let again = self.claim_again().and_then(|()| self.write_segment_again(&path));
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
    fn claim_again(&self) -> Result<(), JournalError> {
        if self.owner_is_there() {
            return Ok(());
        }
        let fs = &self.options.fs;
        fs.create_dir(self.place.root()).map_err(JournalError::io("create", self.place.root(), error::FIX))?;
        let new = self.place.owner().with_extension("new");
        drop(fs.remove(&new));
        let owner = make_owner(&self.options, self.stream, &new)?;
        let path = self.place.owner();
        fs.rename(&new, &path).map_err(JournalError::io("create", &path, error::FIX))?;
        self.state().owner_again = Some(owner);
        Ok(())
    }

    /// Copies the active segment from the file that is still open to a new one of its name, if it is still that segment.
    fn write_segment_again(&self, path: &Path) -> Result<(), JournalError> {
        let fs = &self.options.fs;
        let failed = |what| JournalError::io(what, path, error::FIX);
        let new = path.with_extension("new");
        drop(fs.remove(&new));
        let before = self.state().active.clone();
        if before.path != path {
            return Ok(());
        }
        let file = fs.create_segment(&new, before.length).map_err(failed("create"))?;
        let copied = copy(&*before.file, &*file, 0..before.offset).and_then(|()| file.sync());
        copied.map_err(failed("write"))?;
        // What came meanwhile; from here on nobody writes to the old one.
        let now = self.turn().active.clone();
        let identity = if now.number == before.number {
            let copied = copy(&*now.file, &*file, before.offset..now.offset)
                .and_then(|()| file.sync())
                .and_then(|()| fs.rename(&new, path))
                .and_then(|()| fs.sync_dir(self.place.root()))
                .and_then(|()| self.place.root().parent().map_or(Ok(()), |streams| fs.sync_dir(streams)))
                .and_then(|()| file.identity());
            copied.map(Some)
        } else {
            Ok(None)
        };
        let mut state = self.state();
        if let Ok(Some(identity)) = identity {
            state.active.identity = identity;
            state.active.file = file;
            state.active.at_hand = None;
            state.active.prepared = 0;
            if let Some(segment) = state.segments.back_mut() {
                // The reader has the old file open.
                segment.remade += 1;
            }
        }
        self.end_turn(&mut state);
        drop(state);
        identity.map(drop).map_err(failed("write"))
    }
}

fn copy(from: &dyn File, to: &dyn File, range: Range<u64>) -> io::Result<()> {
    let mut content = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default()];
    from.read_at(range.start, &mut content)?;
    to.write_at(range.start, &content)
}

/// How long the end waits for the threads: more than a commit takes on a disk that is slow.
const LAST_COMMIT: Duration = Duration::from_secs(5);
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
