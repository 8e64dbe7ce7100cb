//! Streams of processes that died: they are drained under their own identity, their open calls are answered, and their end is
//! written.

mod ending;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::ending::Ends;
use super::scribe::Scribe;
use crate::config::Notices;
use crate::journal::{ADOPTED_AT_ONCE, Adopted, Journal, JournalError, JournalOptions, Lot, Orphan, Search, planted};
use crate::record::{Clock, StreamId, service_name};
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
    /// The streams that are in hand and not drained.
    left: Mutex<Vec<Journal>>,
    /// Streams that nobody has looked at.
    unlooked: AtomicUsize,
    /// Streams that could not be opened, or not be read.
    left_alone: AtomicU64,
    /// When no others are taken in hand, as the process ends.
    over: Mutex<Option<Instant>>,
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

    /// Streams that stay as they are, as they cannot be opened or read.
    pub(super) fn left_alone(&self) -> u64 {
        self.left_alone.load(Ordering::Relaxed)
    }

    /// Streams that were not looked at; some may have owners that live.
    pub(super) fn unlooked(&self) -> usize {
        self.unlooked.load(Ordering::Relaxed)
    }

    /// The process ends: after that time no further streams are taken in hand.
    pub(super) fn end_within(&self, time: Duration) {
        let over = Instant::now().checked_add(time);
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = over;
    }

    fn is_over(&self) -> bool {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|over| Instant::now() >= over)
    }

    /// Until what is wanting may be there again, or the process ends.
    async fn wait_to_look_again(&self) {
        for _ in 0..LOOKS_MEANWHILE {
            if self.is_over() {
                return;
            }
            tokio::time::sleep(AGAIN / LOOKS_MEANWHILE).await;
        }
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

    /// Waits on a thread that may block, and says whether all was adopted before the deadline.
    pub(super) fn wait_within(&self, deadline: Duration) -> bool {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed_blocking.wait_timeout_while(done, deadline, |done| !*done);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A flush must not wait for an adoption that has ended in any other way.
struct Over(Arc<Done>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.left().clear();
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
    /// Calls that were answered in the name of the dead process, once all of the stream was read.
    pub answered: u64,
    /// Records that are shipped for it: those that waited and, once they are written, the answers and the record that ends it.
    pub records: u64,
}

/// What an adoption comes by.
#[derive(Debug)]
pub(super) enum Adopting {
    /// These streams are about to be drained.
    Found(Vec<Drained>),
    /// No more are looked for; that many were not looked at.
    Looked {
        /// Streams; some may have owners that live.
        left: usize,
    },
    /// All of this one was read, and its end is written.
    Ended(Drained),
    /// This one stays as it is.
    LeftAlone(StreamId, JournalError),
    /// All of this one is settled.
    Drained(Drained),
}

impl Adoption {
    /// Adopts the streams whose owners are gone, oldest first, a few at a time: they are drained, their ends are written, and
    /// their files closed before others are opened. So descriptors are bounded, and a process that lives shortly has
    /// delivered something.
    pub(crate) async fn run(self, lane: Lane, tell: impl Fn(Adopting) + Send + Sync + 'static) {
        let _over = Over(self.done.clone());
        let mut round =
            Round { adoption: self, tell: Arc::new(tell), searches: None, total: Total::default(), is_short: false };
        loop {
            // Reading the ends of many segments takes its time, and the shipper has other streams.
            let adopting = tokio::task::spawn_blocking(move || {
                let lot = round.next_lot();
                (round, lot)
            });
            // It panics only with the adoption itself, which its thread has printed.
            let Ok((next, lot)) = adopting.await else { return };
            round = next;
            if lot.is_empty() && !round.is_short {
                break;
            }
            round.drain(&lane, lot).await;
            if round.is_short {
                let done = round.adoption.done.clone();
                done.wait_to_look_again().await;
            }
            if round.adoption.done.is_over() {
                break;
            }
        }
        round.end();
    }
}

/// An adoption on its way.
struct Round<T> {
    adoption: Adoption,
    tell: Arc<T>,
    /// Where streams are looked for; `None` before the first look.
    searches: Option<VecDeque<(Search, Whose)>>,
    total: Total,
    /// A stream could not be opened for want of descriptors or memory, and is looked for again.
    is_short: bool,
}

/// Which streams of a directory are adopted.
#[derive(Clone, Copy)]
enum Whose {
    All,
    /// Those of this service, where earlier versions had them together with those of others.
    OfService,
}

/// What was found until now.
#[derive(Default)]
struct Total {
    records: u64,
    streams: usize,
}

type LotInHand = Vec<(Adopted, Drained)>;

impl<T: Fn(Adopting) + Send + Sync + 'static> Round<T> {
    /// The next streams. None at the end.
    fn next_lot(&mut self) -> LotInHand {
        let mut lot = Vec::new();
        let was_short = std::mem::take(&mut self.is_short);
        let most = if planted("adopt-all-at-once") { usize::MAX } else { ADOPTED_AT_ONCE };
        while lot.len() < most && !self.is_short {
            let (found, whose) = self.find(most - lot.len());
            if let Some(error) = found.shortage {
                self.short_of(&error, was_short);
            }
            for (stream, error) in found.unopened {
                self.left_alone(stream, error);
            }
            if self.searches.as_ref().is_none_or(VecDeque::is_empty) {
                break;
            }
            for orphan in found.orphans {
                self.adopt(orphan, whose, &mut lot);
            }
        }
        let left = self.left();
        self.adoption.done.unlooked.store(left, Ordering::Relaxed);
        if !lot.is_empty() {
            self.say_found(&lot, left);
            (self.tell)(Adopting::Found(lot.iter().map(|(_, what)| what.clone()).collect()));
            self.adoption.done.left().extend(lot.iter().map(|(adopted, _)| adopted.journal.clone()));
        }
        lot
    }

    fn adopt(&mut self, orphan: Orphan, whose: Whose, lot: &mut LotInHand) {
        let stream = orphan.stream();
        let Adoption { options, earlier, .. } = &self.adoption;
        let options = match whose {
            Whose::All => options,
            Whose::OfService => earlier.as_ref().unwrap_or(options),
        };
        match orphan.adopt(options) {
            Ok(Some(adopted)) => {
                self.say_dropped(&adopted);
                let (stream, pending) = (adopted.journal.stream(), adopted.journal.usage().pending());
                lot.push((adopted, Drained { stream, pending, answered: 0, records: pending }));
            }
            Ok(None) => {}
            Err(error) if error.is_shortage() => {
                if let Some((search, _)) = self.searches.as_mut().and_then(VecDeque::front_mut) {
                    search.again(stream);
                }
                self.short_of(&error, false);
            }
            // It stays as it is, for fsck.
            Err(error) => self.left_alone(stream, error),
        }
    }

    /// Whoever took a sink out of the settings hears what it does not get.
    fn say_dropped(&self, adopted: &Adopted) {
        for (sink, records) in &adopted.dropped {
            self.adoption.notices.warn(format!(
                "{records} record(s) of stream {} are not shipped to the sink {sink}: this process does not ship to it; they leave the \
                 journal when the others have them",
                adopted.journal.stream()
            ));
        }
    }

    /// What it needs is used up in this process, or on this machine: it is tried again later, and said once.
    fn short_of(&mut self, error: &JournalError, is_known: bool) {
        // Who drains and nothing else waits no longer than it has time.
        (self.tell)(Adopting::Looked { left: self.left().max(1) });
        if !std::mem::replace(&mut self.is_short, true) && !is_known {
            self.adoption.notices.warn(format!(
                "streams of earlier processes cannot be opened now, and are tried again: {error}; see the limit on open files \
                 (`ulimit -n`)"
            ));
        }
    }

    fn left_alone(&self, stream: StreamId, error: JournalError) {
        if planted("skip-in-silence") {
            return;
        }
        self.adoption.done.left_alone.fetch_add(1, Ordering::Relaxed);
        self.adoption.notices.warn(format!("stream {stream} of an earlier process is left alone: {error}"));
        (self.tell)(Adopting::LeftAlone(stream, error));
    }

    fn say_found(&mut self, lot: &LotInHand, left: usize) {
        let is_first = self.total.streams == 0;
        self.total.records += lot.iter().map(|(_, what)| what.pending).sum::<u64>();
        self.total.streams += lot.len();
        let Total { records, streams } = self.total;
        if is_first && records > 0 {
            let more = if left > 0 { "; there may be more, which are sent after them" } else { "" };
            self.adoption.notices.recovered(format!(
                "{records} record(s) of {streams} earlier process(es) were found in the journal and are sent now{more}"
            ));
        }
    }

    /// More orphans, from the first search that has any.
    fn find(&mut self, most: usize) -> (Lot, Whose) {
        let adoption = &self.adoption;
        let searches = match &mut self.searches {
            Some(searches) => searches,
            none => match adoption.searches() {
                Ok(searches) => none.insert(searches),
                Err(error) => return (Lot::none_for(error), Whose::All),
            },
        };
        while let Some((search, whose)) = searches.front_mut() {
            let service = service_name(&adoption.options.resource);
            let found = match whose {
                Whose::All => search.some(most),
                Whose::OfService => search.some_of(most, |resource| service_name(resource) == service),
            };
            match found {
                Ok(lot) if !lot.is_empty() => return (lot, *whose),
                Ok(_) => {}
                Err(error) if error.is_shortage() => return (Lot::none_for(error), *whose),
                Err(error) => adoption.cannot_look(&error),
            }
            searches.pop_front();
        }
        (Lot::default(), Whose::All)
    }

    fn left(&self) -> usize {
        self.searches.iter().flatten().map(|(search, _)| search.left()).sum()
    }

    /// At the same time: most of them are small, and what they take is an answer each.
    async fn drain(&mut self, lane: &Lane, lot: LotInHand) {
        let mut drains = JoinSet::new();
        let Adoption { scribe, notices, clock, .. } = &self.adoption;
        let ends = Ends { scribe: scribe.clone(), notices: notices.clone(), clock: clock.clone() };
        for (adopted, what) in lot {
            let tell = self.tell.clone();
            drains.spawn(ends.clone().drain(lane.clone(), adopted, what, move |what| tell(what)));
        }
        while let Some(drained) = drains.join_next().await {
            // It panics only with the shipper, which its thread has printed; the stream is the next process's.
            let Ok((journal, what)) = drained else { continue };
            self.adoption.done.left().retain(|journal| journal.stream() != what.stream);
            if !journal.remove_if_done() {
                let text =
                    "is drained, but its end or what was lost of it could not be written, or it could not be removed";
                self.adoption.notices.warn(format!("stream {} {text}; the next process sees to it", what.stream));
            }
            (self.tell)(Adopting::Drained(what));
        }
    }

    fn end(&self) {
        (self.tell)(Adopting::Looked { left: self.left() });
        if self.total.streams > ADOPTED_AT_ONCE {
            let Total { records, streams } = self.total;
            self.adoption.notices.recovered(format!("{records} record(s) of {streams} earlier process(es) were sent"));
        }
    }
}

impl Adoption {
    /// The directory of this service, and where earlier versions had it.
    fn searches(&self) -> Result<VecDeque<(Search, Whose)>, JournalError> {
        let all = [Some((&self.options, Whose::All)), self.earlier.as_ref().map(|earlier| (earlier, Whose::OfService))];
        let mut searches = VecDeque::new();
        for (options, whose) in all.into_iter().flatten() {
            match Search::of(options) {
                Ok(search) => searches.push_back((search, whose)),
                Err(error) if error.is_shortage() => return Err(error),
                Err(error) => self.cannot_look(&error),
            }
        }
        Ok(searches)
    }

    fn cannot_look(&self, error: &JournalError) {
        self.notices.warn(format!("streams of earlier processes cannot be looked for: {error}"));
    }
}

/// Descriptors come back when connections or files are closed.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is seen meanwhile whether the process ends.
const LOOKS_MEANWHILE: u32 = 10;
