//! Adopts the streams of dead processes: drains them under their own identity, answers their open calls, and writes their end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::ends::StreamEnder;
use super::event::{AdoptionEvent, DrainedStream};
use super::lanes::Lanes;
use crate::config::Notices;
use crate::journal::{ADOPTED_AT_ONCE, Adopted, JournalError, JournalOptions, Lot, Orphan, Search, planted};
use crate::record::{Clock, StreamId, service_name};
use crate::trail::core::AdoptionProgress;
use crate::trail::recording::SelfReporter;

/// What an adoption needs.
#[derive(Debug)]
pub(crate) struct Adoption {
    pub(in crate::trail) options: JournalOptions,
    /// Where earlier versions had the journal, maybe together with those of others.
    pub(in crate::trail) earlier: Option<JournalOptions>,
    pub(in crate::trail) reporter: Arc<SelfReporter>,
    pub(in crate::trail) notices: Notices,
    pub(in crate::trail) clock: Arc<dyn Clock>,
    pub(in crate::trail) done: Arc<AdoptionProgress>,
}

/// A flush must not wait for an adoption that has ended in any other way.
struct DoneOnDrop(Arc<AdoptionProgress>);

impl Drop for DoneOnDrop {
    fn drop(&mut self) {
        self.0.left().clear();
        self.0.set();
    }
}

impl Adoption {
    /// Adopts the streams whose owners are gone, oldest first, a few at a time: they are drained, their ends are written, and
    /// their files closed before others are opened. So descriptors are bounded, and a process that lives shortly has
    /// delivered something.
    pub(in crate::trail) async fn run(self, lanes: Lanes, tell: impl Fn(AdoptionEvent) + Send + Sync + 'static) {
        let _over = DoneOnDrop(self.done.clone());
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
            round.drain(&lanes, lot).await;
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
    searches: Option<VecDeque<(Search, Owners)>>,
    total: Total,
    /// A stream could not be opened for want of descriptors or memory, and is looked for again.
    is_short: bool,
}

/// Which streams of a directory are adopted.
#[derive(Clone, Copy)]
enum Owners {
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

type LotInHand = Vec<(Adopted, DrainedStream)>;

impl<T: Fn(AdoptionEvent) + Send + Sync + 'static> Round<T> {
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
                self.unreadable_streams(stream, error);
            }
            if self.searches.as_ref().is_none_or(VecDeque::is_empty) {
                break;
            }
            for orphan in found.orphans {
                self.adopt(orphan, whose, &mut lot);
            }
        }
        let left = self.left();
        self.adoption.done.unvisited_streams.store(left, Ordering::Relaxed);
        if !lot.is_empty() {
            self.say_found(&lot, left);
            (self.tell)(AdoptionEvent::Found(lot.iter().map(|(_, what)| what.clone()).collect()));
            self.adoption.done.left().extend(lot.iter().map(|(adopted, _)| adopted.journal.clone()));
        }
        lot
    }

    fn adopt(&mut self, orphan: Orphan, whose: Owners, lot: &mut LotInHand) {
        let stream = orphan.stream();
        let Adoption { options, earlier, .. } = &self.adoption;
        let options = match whose {
            Owners::All => options,
            Owners::OfService => earlier.as_ref().unwrap_or(options),
        };
        match orphan.adopt(options) {
            Ok(Some(adopted)) => {
                self.say_dropped(&adopted);
                let (stream, pending) = (adopted.journal.stream(), adopted.journal.usage().pending());
                lot.push((adopted, DrainedStream { stream, pending, answered: 0, records: pending }));
            }
            Ok(None) => {}
            Err(error) if error.is_shortage() => {
                if let Some((search, _)) = self.searches.as_mut().and_then(VecDeque::front_mut) {
                    search.again(stream);
                }
                self.short_of(&error, false);
            }
            // It stays as it is, for fsck.
            Err(error) => self.unreadable_streams(stream, error),
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
        (self.tell)(AdoptionEvent::Searched { unvisited: self.left().max(1) });
        if !std::mem::replace(&mut self.is_short, true) && !is_known {
            self.adoption.notices.warn(format!(
                "streams of earlier processes cannot be opened now, and are tried again: {error}; see the limit on open files \
                 (`ulimit -n`)"
            ));
        }
    }

    fn unreadable_streams(&self, stream: StreamId, error: JournalError) {
        if planted("skip-in-silence") {
            return;
        }
        self.adoption.done.unreadable_streams.fetch_add(1, Ordering::Relaxed);
        self.adoption.notices.warn(format!("stream {stream} of an earlier process is left alone: {error}"));
        (self.tell)(AdoptionEvent::Unreadable(stream, error));
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
    fn find(&mut self, most: usize) -> (Lot, Owners) {
        let adoption = &self.adoption;
        let searches = match &mut self.searches {
            Some(searches) => searches,
            none => match adoption.searches() {
                Ok(searches) => none.insert(searches),
                Err(error) => return (Lot::none_for(error), Owners::All),
            },
        };
        while let Some((search, whose)) = searches.front_mut() {
            let service = service_name(&adoption.options.resource);
            let found = match whose {
                Owners::All => search.some(most),
                Owners::OfService => search.some_of(most, |resource| service_name(resource) == service),
            };
            match found {
                Ok(lot) if !lot.is_empty() => return (lot, *whose),
                Ok(_) => {}
                Err(error) if error.is_shortage() => return (Lot::none_for(error), *whose),
                Err(error) => adoption.cannot_look(&error),
            }
            searches.pop_front();
        }
        (Lot::default(), Owners::All)
    }

    fn left(&self) -> usize {
        self.searches.iter().flatten().map(|(search, _)| search.left()).sum()
    }

    /// At the same time: most of them are small, and what they take is an answer each.
    async fn drain(&mut self, lanes: &Lanes, lot: LotInHand) {
        let mut drains = JoinSet::new();
        let Adoption { reporter, notices, clock, .. } = &self.adoption;
        let ends = StreamEnder { reporter: reporter.clone(), notices: notices.clone(), clock: clock.clone() };
        for (adopted, what) in lot {
            let tell = self.tell.clone();
            drains.spawn(ends.clone().drain(lanes.clone(), adopted, what, move |what| tell(what)));
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
            (self.tell)(AdoptionEvent::Drained(what));
        }
    }

    fn end(&self) {
        (self.tell)(AdoptionEvent::Searched { unvisited: self.left() });
        if self.total.streams > ADOPTED_AT_ONCE {
            let Total { records, streams } = self.total;
            self.adoption.notices.recovered(format!("{records} record(s) of {streams} earlier process(es) were sent"));
        }
    }
}

impl Adoption {
    /// The directory of this service, and where earlier versions had it.
    fn searches(&self) -> Result<VecDeque<(Search, Owners)>, JournalError> {
        let all =
            [Some((&self.options, Owners::All)), self.earlier.as_ref().map(|earlier| (earlier, Owners::OfService))];
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
