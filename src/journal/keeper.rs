//! The thread that keeps a journal: commits, prepares segments, watches its files.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::state::State;
use super::{Event, Journal, JournalError, Shared, error};

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
        shared.count_others();
        shared.prepare();
        shared.say_whether_full();
        if watched.elapsed() >= WATCH_INTERVAL {
            watched = Instant::now();
            shared.watch();
        }
    }
}

impl Shared {
    /// Until somebody waits for a commit, or something has been unsynced for the interval, or it is time to watch.
    fn wait_for_work(&self) -> bool {
        let mut state = self.state();
        let begun = Instant::now();
        loop {
            if state.stop || state.commit_wanted {
                return state.stop;
            }
            let interval = if state.is_clean() && state.full_because.is_none() {
                state.committer_sleeps = true;
                WATCH_INTERVAL
            } else {
                self.options.commit_interval
            };
            let Some(left) = interval.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
                state.committer_sleeps = false;
                return false;
            };
            let slept = state.committer_sleeps;
            state = self.commit_wanted.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            if slept && !state.committer_sleeps {
                // The first record after a pause; others may follow within the interval.
                drop(state);
                thread::sleep(self.options.commit_interval.min(left));
                return self.state().stop;
            }
        }
    }

    /// Gets the pages ready that the next records will be written to.
    fn prepare_ahead(&self) {
        let (file, offset, length) = {
            let mut state = self.state();
            let recent = state.active.prepared.min(state.active.offset);
            let ahead = (2 * (state.active.offset - recent)).clamp(LEAST_AHEAD, MOST_AHEAD);
            let from = state.active.prepared.max(state.active.offset);
            let to = (state.active.offset + ahead).min(state.active.length);
            if to <= from {
                return;
            }
            state.active.prepared = to;
            (state.active.file.clone(), from, to - from)
        };
        file.prepare(offset, length);
    }

    /// What other processes and earlier streams take of the bound.
    pub(super) fn count_others(&self) {
        if self.state().next.is_some() {
            return;
        }
        let fs = &self.options.fs;
        let Some(streams) = self.place.root().parent() else { return };
        let own = self.stream.to_string();
        let bytes = |stream: &String| -> u64 {
            let directory = streams.join(stream);
            let files = fs.list(&directory).unwrap_or_default();
            files.iter().filter_map(|file| Some(fs.identity(&directory.join(file)).ok()?.length)).sum()
        };
        let others = fs.list(streams).unwrap_or_default();
        let sum = others.iter().filter(|stream| **stream != own).map(bytes).sum();
        self.others_bytes.store(sum, std::sync::atomic::Ordering::Relaxed);
    }

    fn say_whether_full(&self) {
        let (because, pending) = {
            let state = self.state();
            self.note_fullness(&state);
            (state.full_because.clone(), state.pending_bytes)
        };
        let max = self.options.max_bytes;
        match because {
            Some(because) => self.degraded(FULL, &format!("the journal has no room for another segment: {because}")),
            None if pending > max / 10 * 8 => {
                self.degraded(FILLING, &format!("{pending} of {max} bytes of the journal are pending"));
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
        let there = self.options.fs.identity(&path);
        let same = there.as_ref().is_ok_and(|there| (there.device, there.inode) == (identity.device, identity.inode));
        if same {
            self.recovered(REPLACED, "the journal's segment is in its place again");
            return;
        }
        self.degraded(REPLACED, &format!("{} was removed or replaced; it is written again", path.display()));
        let again = {
            let mut state = self.state();
            if state.active.path == path { self.write_segment_again(&mut state) } else { Ok(()) }
        };
        if let Err(error) = again {
            self.options.watcher.happened(Event::Degraded { error_type: REPLACED, text: error.to_string() });
        }
    }

    /// Copies the active segment from the file that is still open to a new one of its name.
    fn write_segment_again(&self, state: &mut State) -> Result<(), JournalError> {
        let fs = &self.options.fs;
        let failed = |what| JournalError::io(what, &state.active.path, error::FIX);
        fs.create_dir(self.place.root()).map_err(failed("create the directory of"))?;
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
            .and_then(|()| file.identity());
        state.active.identity = copied.map_err(failed("write"))?;
        state.active.file = file;
        state.active.prepared = 0;
        Ok(())
    }
}

const FULL: &str = "journal_full";
const FILLING: &str = "journal_filling";
const REPLACED: &str = "journal_file_replaced";
/// Files are looked at this often.
const WATCH_INTERVAL: Duration = Duration::from_millis(900);
/// Pages ahead of the writer: some dozen records, or twice of what came since the last time.
const LEAST_AHEAD: u64 = 64 * 1024;
const MOST_AHEAD: u64 = 4 << 20;
