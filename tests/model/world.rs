//! The model of a directory that several processes use, kept by an observer that is never killed.

use std::collections::BTreeMap;
use std::future::Future as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use auditrail::journal::{Append, CallNumber, Event, Journal, Kind, Receipt, Sequence, Watcher};
use auditrail::record::StreamId;

use super::oracle::{Call, Certainty, Told};
use crate::simulated::{Chance, SimulatedFs};

#[derive(Debug, Default)]
pub struct World {
    pub told: BTreeMap<StreamId, Told>,
    /// Which process has a stream in hand.
    holders: BTreeMap<StreamId, usize>,
    records: u64,
    pub log: Vec<String>,
}

pub type Known = Arc<Mutex<World>>;

pub fn of(known: &Known) -> MutexGuard<'_, World> {
    // Whose panic it was says so itself.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A record that is about to be appended.
#[derive(Debug, Clone)]
pub struct Planned {
    pub kind: Kind,
    /// The call that it answers, and its request.
    pub call: Option<(CallNumber, Vec<u8>)>,
    pub payload: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub struct Appended {
    pub planned: Planned,
    expected: Sequence,
    pub taken: Result<Receipt, String>,
    /// The process died in it.
    dead: bool,
}

impl Appended {
    /// Whether whoever waits for it hears that it is synced, or that it is not, or nothing yet.
    pub fn is_synced(&self, journal: &Journal) -> Option<bool> {
        let waiting = std::pin::pin!(journal.synced(*self.taken.as_ref().ok()?));
        match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer.is_ok()),
            Poll::Pending => None,
        }
    }
}

impl Planned {
    pub fn append(self, journal: &Journal, fs: &SimulatedFs) -> Appended {
        let expected = journal.usage().appended + 1;
        let mut frame = vec![0; auditrail::journal::HEADER];
        frame.extend_from_slice(&self.payload);
        let call = self.call.as_ref().map(|(call, _)| *call);
        let taken = journal.append(Append { kind: self.kind, call, ..Append::MOMENT }, &mut frame);
        let taken = taken.map_err(|error| error.to_string());
        Appended { planned: self, expected, taken, dead: fs.is_dead() }
    }
}

impl World {
    /// The bytes of a record like no other.
    pub fn payload(&mut self, length: u64) -> Vec<u8> {
        self.records += 1;
        let id = self.records;
        let mut payload = id.to_le_bytes().to_vec();
        payload.extend((0..length).map(|at| ((id * 31 + at) % 251) as u8));
        payload
    }

    pub fn say(&mut self, process: usize, what: impl Into<String>) {
        self.log.push(format!("{process}: {}", what.into()));
    }

    pub fn takes(&mut self, process: usize, stream: StreamId) {
        let holder = self.holders.insert(stream, process);
        assert_eq!(holder, None, "{stream} is taken by process {process}, and another one has it in hand");
    }

    pub fn lets_go(&mut self, stream: StreamId) {
        self.holders.remove(&stream);
    }

    pub fn appended(&mut self, stream: StreamId, appended: &Appended) {
        let Appended { planned: Planned { kind, call, payload }, expected, taken, dead } = appended;
        let told = self.told.entry(stream).or_default();
        let answered = |told: &mut Told, certainty| {
            let of = |known: &&mut Call| call.as_ref().is_some_and(|(_, request)| *request == known.request);
            told.calls.iter_mut().find(of).into_iter().for_each(|call| call.answered = certainty);
        };
        let opens = matches!(kind, Kind::Request | Kind::Intent);
        let open = |asked| Call { request: payload.clone(), asked, answered: Certainty::No };
        if *dead {
            if kind.is_record() {
                told.may.entry(*expected).or_default().push(payload.clone());
            }
            answered(told, Certainty::Maybe);
            told.calls.extend(opens.then(|| open(Certainty::Maybe)));
        } else if let Ok(receipt) = taken {
            if kind.is_record() {
                assert_eq!(receipt.sequence, *expected);
                told.acknowledged(*expected, payload.clone());
            }
            match kind {
                Kind::Moment => told.alone.insert(*expected),
                _ => told.alone.remove(expected),
            };
            answered(told, Certainty::Written);
            told.calls.extend(opens.then(|| open(Certainty::Written)));
        }
    }

    /// Its commit was answered.
    pub fn answered(&mut self, stream: StreamId, appended: &Appended, synced: bool) {
        let told = self.told.entry(stream).or_default();
        let Planned { kind, call, payload } = &appended.planned;
        if kind.is_record() {
            told.answered(appended.expected, synced);
        }
        let now = if synced { Certainty::Synced } else { Certainty::Maybe };
        for known in &mut told.calls {
            if known.request == *payload && known.asked == Certainty::Written {
                known.asked = now;
            }
            let is_answer = call.as_ref().is_some_and(|(_, request)| *request == known.request);
            if is_answer && known.answered == Certainty::Written {
                known.answered = now;
            }
        }
    }

    /// What a process had in hand is free.
    pub fn killed(&mut self, process: usize) {
        let mut had = Vec::new();
        self.holders.retain(|stream, holder| {
            let is_its = *holder == process;
            had.extend(is_its.then_some(*stream));
            !is_its
        });
        let of_it = self.told.iter_mut().filter(|(stream, _)| had.contains(stream));
        of_it.for_each(|(_, told)| told.killed());
    }

    pub fn power_lost(&mut self) {
        self.holders.clear();
        self.told.values_mut().for_each(Told::power_lost);
    }

    /// A record that the disk damages now.
    pub fn damage(&mut self, chance: &mut Chance) -> Option<(StreamId, Vec<u8>)> {
        let at = chance.below(self.told.len() as u64);
        let (stream, told) = self.told.iter_mut().nth(usize::try_from(at).ok()?)?;
        Some((*stream, told.damage(chance.next())?))
    }

    /// The disk fails from now on.
    pub fn is_shaky(&mut self) {
        self.told.values_mut().for_each(|told| told.shaky = true);
    }
}

/// The watcher of a process, which tells what is lost, in records that are not always durable when it is asked.
#[derive(Debug)]
pub struct Teller {
    fs: SimulatedFs,
    telling: Mutex<Telling>,
}

#[derive(Debug)]
struct Telling {
    chance: Chance,
    /// Everything that it tells is durable at once.
    is_sure: bool,
    untold: Vec<Event>,
    told: Vec<Event>,
}

impl Teller {
    pub fn new(fs: &SimulatedFs, seed: u64) -> Self {
        let telling = Telling { chance: Chance::new(seed), is_sure: false, untold: Vec::new(), told: Vec::new() };
        Self { fs: fs.clone(), telling: Mutex::new(telling) }
    }

    /// What has become durable since the last time.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.telling.lock().unwrap().told)
    }

    /// The process is dead, and with it what it had not told.
    pub fn killed(&self) {
        self.telling.lock().unwrap().untold.clear();
    }

    pub fn be_sure(&self) {
        self.telling.lock().unwrap().is_sure = true;
    }
}

impl Watcher for Teller {
    fn happened(&self, event: Event) {
        if !self.fs.is_dead() {
            self.telling.lock().unwrap().untold.push(event);
        }
    }

    fn is_kept(&self) -> bool {
        let is_dead = self.fs.is_dead();
        let telling = &mut *self.telling.lock().unwrap();
        if is_dead || !telling.is_sure && telling.chance.one_in(4) {
            return false;
        }
        telling.told.append(&mut telling.untold);
        true
    }
}
