//! Streams of processes that died: their open calls are answered, their end is written, and they are drained under their own
//! identity.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::halves;
use super::scribe::Scribe;
use super::told::Told;
use crate::config::Notices;
use crate::journal::{self, Adopted, Append, HEADER, Journal, JournalError, JournalOptions, OpenRequest, Orphan, Room};
use crate::record::{Clock, Record, StreamId, service_name};
use crate::ship::Lane;

/// What an adoption needs.
#[derive(Debug)]
pub(crate) struct Adoption {
    pub(super) options: JournalOptions,
    /// Where earlier versions had the journal, maybe together with those of others.
    pub(super) earlier: Option<JournalOptions>,
    pub(super) scribe: Arc<Scribe>,
    pub(super) notices: Notices,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) done: Arc<Done>,
}

/// Whether everything that was adopted is drained.
#[derive(Debug, Default)]
pub(super) struct Done {
    done: Mutex<bool>,
    /// The streams that are not drained.
    left: Mutex<Vec<Journal>>,
    /// All of them are known.
    found: AtomicBool,
    /// How many streams stay as they are.
    left_alone: AtomicU64,
    changed: Notify,
    changed_blocking: Condvar,
}

impl Done {
    fn set(&self) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_waiters();
        self.changed_blocking.notify_all();
    }

    /// Records of adopted streams that are not settled.
    pub(super) fn pending(&self) -> u64 {
        self.left().iter().map(|journal| journal.usage().pending()).sum()
    }

    /// Whether streams are still looked for.
    pub(super) fn is_looking(&self) -> bool {
        !self.found.load(Ordering::Relaxed)
    }

    /// How many streams nobody can read.
    pub(super) fn left_alone(&self) -> u64 {
        self.left_alone.load(Ordering::Relaxed)
    }

    fn left(&self) -> MutexGuard<'_, Vec<Journal>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn wait(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if *self.done.lock().unwrap_or_else(PoisonError::into_inner) {
                return;
            }
            changed.await;
        }
    }

    /// The same for a thread that may block; says whether it came to pass before the deadline.
    pub(super) fn wait_within(&self, deadline: Duration) -> bool {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed_blocking.wait_timeout_while(done, deadline, |done| !*done);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A flush must not wait for an adoption that has ended in any other way.
struct Ending(Arc<Done>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.left().clear();
        self.0.found.store(true, Ordering::Relaxed);
        self.0.set();
    }
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// The stream.
    pub stream: StreamId,
    /// Records that waited in it.
    pub pending: u64,
    /// Calls that were answered in the name of the dead process.
    pub answered: u64,
    /// Records that are shipped for it: those that waited, the answers, and the record that ends it.
    pub records: u64,
}

/// What an adoption comes by.
#[derive(Debug)]
pub(super) enum Adopting {
    /// These streams are about to be drained.
    Found(Vec<Drained>),
    /// This one stays as it is.
    LeftAlone(StreamId, JournalError),
    /// All of this one is settled.
    Drained(Drained),
}

impl Adoption {
    /// Adopts all streams whose owners are gone: first their ends are written, which needs no collector, then they are
    /// drained, oldest first.
    pub(crate) async fn run(self, lane: Lane, tell: impl Fn(Adopting) + Send + 'static) {
        let _ending = Ending(self.done.clone());
        // Reading the ends of many segments takes its time, and the shipper has other streams.
        let adopting = tokio::task::spawn_blocking(move || {
            let adopted = self.adopt_all(&tell);
            (self, tell, adopted)
        });
        // It panics only with the adoption itself, which its thread has printed.
        let Ok((this, tell, adopted)) = adopting.await else { return };
        this.drain(lane, tell, adopted).await;
    }

    async fn drain(&self, lane: Lane, tell: impl Fn(Adopting), adopted: Result<Vec<(Adopted, Drained)>, JournalError>) {
        let adopted = match adopted {
            Ok(adopted) => {
                tell(Adopting::Found(adopted.iter().map(|(_, what)| what.clone()).collect()));
                adopted
            }
            Err(error) => {
                self.notices.warn(format!("streams of earlier processes cannot be looked for: {error}"));
                Vec::new()
            }
        };
        self.done.left().extend(adopted.iter().map(|(adopted, _)| adopted.journal.clone()));
        self.done.found.store(true, Ordering::Relaxed);
        for (mut adopted, what) in adopted {
            lane.drain(&mut adopted.reader).await;
            self.done.left().retain(|journal| journal.stream() != what.stream);
            if !adopted.journal.remove_if_done() {
                self.notices
                    .warn(format!("stream {} is drained, but its end could not be written or removed", what.stream));
            }
            tell(Adopting::Drained(what));
        }
    }

    fn adopt_all(&self, tell: &impl Fn(Adopting)) -> Result<Vec<(Adopted, Drained)>, JournalError> {
        let mut all = Vec::new();
        let own = journal::orphans(&self.options)?.into_iter().map(|orphan| (orphan, &self.options));
        for (orphan, options) in own.chain(self.of_earlier()) {
            let stream = orphan.stream();
            match orphan.adopt(options) {
                Ok(Some(adopted)) => {
                    let what = self.end(&adopted);
                    all.push((adopted, what));
                }
                Ok(None) => {}
                // It stays as it is, for fsck.
                Err(error) => {
                    self.done.left_alone.fetch_add(1, Ordering::Relaxed);
                    self.notices.warn(format!("stream {stream} of an earlier process is left alone: {error}"));
                    tell(Adopting::LeftAlone(stream, error));
                }
            }
        }
        if let (records @ 1.., streams) = (all.iter().map(|(_, what)| what.pending).sum::<u64>(), all.len()) {
            self.notices.recovered(format!(
                "{records} record(s) of {streams} earlier process(es) were found in the journal and are sent now"
            ));
        }
        Ok(all)
    }

    /// Those of this service that were left where earlier versions had the journal.
    fn of_earlier(&self) -> impl Iterator<Item = (Orphan, &JournalOptions)> {
        let service = service_name(&self.options.resource);
        self.earlier.iter().flat_map(move |options| {
            let orphans = journal::orphans_of(options, |resource| service_name(resource) == service);
            let orphans = orphans.unwrap_or_else(|error| {
                self.notices.warn(format!("streams of earlier versions cannot be looked for: {error}"));
                Vec::new()
            });
            orphans.into_iter().map(move |orphan| (orphan, options))
        })
    }

    /// Answers the calls that the crash left open and writes the last record. What does not fit is left for the next
    /// adopter, and is said by `remove_if_done`.
    fn end(&self, adopted: &Adopted) -> Drained {
        let usage = adopted.journal.usage();
        let mut drained =
            Drained { stream: adopted.journal.stream(), pending: usage.pending(), answered: 0, records: 0 };
        let answered = adopted.open.iter().all(|open| {
            let answered = self.answer(adopted, open);
            drained.answered += u64::from(answered);
            answered
        });
        if adopted.needs_end && answered {
            // What does not fit is left for the next adopter, too.
            drop(self.scribe.end(&adopted.journal, &Told::Interrupted));
        }
        if let Err(error) = adopted.journal.commit() {
            self.notices.warn(format!("the end of stream {} cannot be written: {error}", drained.stream));
        }
        drained.records = adopted.journal.usage().pending();
        drained
    }

    fn answer(&self, adopted: &Adopted, open: &OpenRequest) -> bool {
        let mut frame = vec![0; HEADER];
        match Record::decode(&open.request) {
            Ok(request) => halves::interrupted(&mut frame, request, self.scribe.new_id(), self.clock.unix_nano()),
            Err(error) => {
                self.notices.warn(format!("a request of stream {} cannot be read: {error}", adopted.journal.stream()));
                return true;
            }
        }
        let what = Append::response(Some(open.call)).with_room(Room::All);
        adopted.journal.append(what, &mut frame).is_ok()
    }
}
