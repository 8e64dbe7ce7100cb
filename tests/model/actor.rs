//! One process among several: what it may do next, and what it does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use auditrail::journal::{Event, Journal, JournalError, JournalOptions, Kind, Orphan, Search};
use auditrail::record::StreamId;

use super::process::{Reports, Seeded, Stream, options};
use super::world::{self, Appended, Known, Planned, Teller};
use crate::simulated::{Chance, Faults, SimulatedFs};

/// A process, and the streams that it has in hand: its own is the first. It does not run without any.
#[derive(Debug)]
pub struct Actor {
    pub number: usize,
    pub fs: SimulatedFs,
    pub streams: Vec<Stream>,
    options: JournalOptions,
    teller: Arc<Teller>,
    known: Known,
    /// Others write while it syncs.
    pub appends_meanwhile: bool,
    /// It fills segments with few records.
    pub writes_much: bool,
    /// What was taken, and nobody knows whether it is synced.
    unanswered: Vec<(StreamId, Appended)>,
    /// How often the disk had failed when the step began.
    failures: u64,
}

impl Actor {
    pub fn new(number: usize, disk: &SimulatedFs, known: &Known, (seed, max_bytes): (u64, u64)) -> Self {
        let fs = disk.of_process(number);
        let teller = Arc::new(Teller::new(&fs, seed));
        let mut options = options(&fs, &Arc::<Reports>::default(), &Arc::new(Seeded::new(seed)), max_bytes);
        options.watcher = teller.clone();
        // Who has it is in the middle of something, and goes on only when this has ended.
        options.lock_patience = std::time::Duration::ZERO;
        Self {
            number,
            fs,
            streams: Vec::new(),
            options,
            teller,
            known: known.clone(),
            appends_meanwhile: false,
            writes_much: false,
            unanswered: Vec::new(),
            failures: 0,
        }
    }

    pub fn step(&mut self, chance: &mut Chance) {
        self.failures = self.fs.failures();
        if self.streams.is_empty() {
            return self.start(chance);
        }
        let index = usize::try_from(chance.below(self.streams.len() as u64)).unwrap();
        let index = if chance.one_in(2) { 0 } else { index };
        match chance.below(32) {
            0..9 => self.append_some(index, chance),
            9..14 => self.commit(index, chance),
            14..18 => self.read(index, chance),
            18..21 => self.settle(index, chance.next()),
            21 => self.maintain(index),
            22 => self.end(index, chance),
            23 | 24 => self.look(usize::try_from(1 + chance.below(3)).unwrap()),
            25 | 26 => self.let_go(index),
            27..31 if index > 0 => {
                self.drain(index, chance);
                if !self.fs.is_dead() {
                    self.let_go(index);
                }
            }
            31 => self.exit(chance),
            _ => self.append_some(index, chance),
        }
        self.see_to_death();
    }

    /// Takes what there is, if it runs, and does something with it.
    pub fn take_over(&mut self, chance: &mut Chance) {
        self.failures = self.fs.failures();
        if !self.streams.is_empty() {
            self.look(usize::MAX);
            self.see_to_death();
        }
        self.step(chance);
    }

    fn start(&mut self, chance: &mut Chance) {
        match Journal::open(self.options.clone()) {
            Ok(opened) if !self.fs.is_dead() => {
                let stream = Stream::new(opened.journal, (opened.reader, opened.settler), true, true);
                self.say(format!("begins {}", stream.id));
                let mut world = world::of(&self.known);
                world.takes(self.number, stream.id);
                world.told.entry(stream.id).or_default().shaky = self.fs.has_faults();
                self.streams.push(stream);
            }
            Ok(_) => {}
            Err(error) => self.may_fail("start", &error),
        }
        if !self.streams.is_empty() && chance.one_in(2) {
            self.look(usize::MAX);
        }
        self.see_to_death();
    }

    /// What it cannot do is said so that somebody can see to it.
    fn may_fail(&self, what: &str, error: &JournalError) {
        let text = error.to_string();
        self.say(format!("cannot {what}: {text}"));
        let is_expected = self.fs.is_dead() || self.has_met_faults() || matches!(error, JournalError::Locked { .. });
        assert!(is_expected, "cannot {what}: {text}");
        let is_clear = text.contains("/var") && text.contains("; ");
        assert!(is_clear || self.fs.is_dead(), "an error that helps nobody: {text}");
    }

    fn has_met_faults(&self) -> bool {
        self.fs.failures() > self.failures
    }

    fn append_some(&mut self, index: usize, chance: &mut Chance) {
        for _ in 0..=chance.below(6) {
            let Some(planned) = self.plan(index, chance) else { return };
            let appended = planned.append(&self.streams[index].journal, &self.fs);
            self.appended(index, appended);
            if self.fs.is_dead() {
                return;
            }
        }
    }

    fn plan(&mut self, index: usize, chance: &mut Chance) -> Option<Planned> {
        let stream = &mut self.streams[index];
        if stream.ended {
            return None;
        }
        let (kind, call) = match chance.below(6) {
            0 | 1 if !stream.calls.is_empty() => {
                let at = usize::try_from(chance.below(stream.calls.len() as u64)).unwrap();
                (Kind::Response, Some(stream.calls.swap_remove(at)))
            }
            2 if stream.own => (Kind::Request, None),
            3 if stream.own => (Kind::Intent, None),
            _ => (Kind::Moment, None),
        };
        let is_long = if self.writes_much { !chance.one_in(4) } else { chance.one_in(4) };
        let length = if is_long { chance.below(16_000) } else { chance.below(700) };
        Some(Planned { kind, call, payload: world::of(&self.known).payload(length) })
    }

    fn appended(&mut self, index: usize, appended: Appended) {
        let stream = &mut self.streams[index];
        let mut world = world::of(&self.known);
        let Planned { kind, call, payload } = &appended.planned;
        let (id, length) = (u64::from_le_bytes(payload[..8].try_into().unwrap()), payload.len());
        world.say(self.number, format!("append {kind:?} {id} of {length} to {}: {:?}", stream.id, appended.taken));
        world.appended(stream.id, &appended);
        match &appended.taken {
            Ok(receipt) => {
                stream.calls.extend(receipt.call.map(|call| (call, payload.clone())));
                stream.ended |= *kind == Kind::Last;
            }
            Err(_) => stream.calls.extend(call.clone()),
        }
        if appended.taken.is_ok() && !self.fs.is_dead() {
            self.unanswered.push((stream.id, appended));
        }
    }

    pub fn commit(&mut self, index: usize, chance: &mut Chance) {
        let meanwhile = Arc::new(Mutex::new(Vec::new()));
        if self.appends_meanwhile && chance.one_in(2) {
            self.append_meanwhile(index, &meanwhile, chance);
        }
        let done = self.streams[index].journal.commit();
        self.fs.nothing_meanwhile();
        let id = self.streams[index].id;
        self.say(format!("commit {id}: {done:?}"));
        if !self.fs.is_dead() {
            self.hear_what_is_synced(index, done.is_ok());
        }
        if self.has_met_faults() && self.appends_meanwhile {
            world::of(&self.known).told.entry(id).or_default().shaky = true;
        }
        let came = std::mem::take(&mut *meanwhile.lock().unwrap());
        for appended in came {
            self.appended(index, appended);
        }
        self.listen();
    }

    /// Those who wait are told; all of them, if the commit has done its work. Not so what was appended since it began.
    fn hear_what_is_synced(&mut self, index: usize, is_done: bool) {
        let stream = &self.streams[index];
        let mut world = world::of(&self.known);
        self.unanswered.retain(|(id, appended)| {
            if *id != stream.id {
                return true;
            }
            let answer = appended.is_synced(&stream.journal);
            assert!(answer.is_some() || !is_done, "nobody hears of {appended:?}");
            answer.into_iter().for_each(|synced| world.answered(*id, appended, synced));
            answer.is_none()
        });
    }

    /// Another thread of the process appends while the commit has a sync under way.
    fn append_meanwhile(&mut self, index: usize, results: &Arc<Mutex<Vec<Appended>>>, chance: &mut Chance) {
        let mut planned = Vec::new();
        for _ in 0..=chance.below(5) {
            planned.extend(self.plan(index, chance));
        }
        self.say(format!("  {} to be appended in the middle of this", planned.len()));
        let (journal, fs, results) = (self.streams[index].journal.clone(), self.fs.clone(), results.clone());
        let dies = chance.one_in(5);
        let passing = chance.below(2);
        // What is not appended, as there is no such sync, is given up: its calls stay open.
        let calls: Vec<_> = planned.iter().filter_map(|planned: &Planned| planned.call.clone()).collect();
        self.streams[index].calls.extend(calls);
        let is_ended = self.streams[index].ended;
        self.fs.clone().meanwhile(passing, move || {
            for planned in planned {
                if fs.is_dead() || is_ended {
                    break;
                }
                results.lock().unwrap().push(planned.append(&journal, &fs));
            }
            if dies {
                fs.die();
            }
        });
    }

    pub fn read(&mut self, index: usize, chance: &mut Chance) {
        let records = 1 + usize::try_from(chance.below(9)).unwrap();
        let stream = &mut self.streams[index];
        let batch = stream.next(records);
        let numbers: Vec<_> = batch.iter().map(|(sequence, _)| *sequence).collect();
        self.say(format!("read {}: {numbers:?}", self.streams[index].id));
        if self.fs.is_dead() {
            return;
        }
        let directory = self.directory_of(self.streams[index].id);
        let stream = &mut self.streams[index];
        for (sequence, payload) in &batch {
            assert!(*sequence > stream.read, "{sequence} after {}", stream.read);
            stream.read = *sequence;
            let mut world = world::of(&self.known);
            let told = world.told.entry(stream.id).or_default();
            // What is damaged after it was read is sent as it was.
            let is_durable = self.fs.is_durable(&directory, payload, 32) || told.damaged.contains(sequence);
            assert!(is_durable, "{sequence} was read and would not survive a power loss");
            told.answered(*sequence, true);
            told.delivered(*sequence, payload, stream.own);
        }
        stream.unsettled.extend(numbers.last());
        self.listen();
    }

    pub fn settle(&mut self, index: usize, many: u64) {
        let stream = &mut self.streams[index];
        let many = many % (stream.unsettled.len() as u64 + 1);
        let Some(through) = stream.unsettled.drain(..usize::try_from(many).unwrap()).next_back() else { return };
        stream.settler.settle(through);
        let id = stream.id;
        let cursor = self.fs.content(&self.directory_of(id).join("cursor")).unwrap_or_default();
        let is_sound = cursor.len() == 56 && crc32fast::hash(&cursor[..52]).to_le_bytes() == cursor[52..];
        let saved = if is_sound { u64::from_le_bytes(cursor[24..32].try_into().unwrap()) } else { 0 };
        self.say(format!("settle {id} {through}: {saved} saved"));
        let is_dead = self.fs.is_dead();
        let mut world = world::of(&self.known);
        let told = world.told.entry(id).or_default();
        // A cursor that stands among what was lost may not be believed: then all is sent again.
        told.settled = if is_dead || !told.lost.is_empty() { 0 } else { saved.min(through) };
        drop(world);
        self.listen();
    }

    fn maintain(&mut self, index: usize) {
        if self.streams[index].own {
            self.streams[index].journal.maintain();
        }
        self.listen();
    }

    /// The last record: of an adopted stream, or of its own before it exits.
    fn end(&mut self, index: usize, chance: &mut Chance) {
        let stream = &self.streams[index];
        if !stream.ended && stream.calls.is_empty() && (!stream.own || chance.one_in(4)) {
            self.append_last(index);
        }
    }

    fn append_last(&mut self, index: usize) {
        let payload = world::of(&self.known).payload(20);
        let planned = Planned { kind: Kind::Last, call: None, payload };
        let appended = planned.append(&self.streams[index].journal, &self.fs);
        self.appended(index, appended);
    }

    /// Looks for streams whose owners are gone, and takes some.
    pub fn look(&mut self, most: usize) {
        let lot = match Search::of(&self.options).and_then(|mut search| search.some(most)) {
            Ok(lot) => lot,
            Err(error) => return self.may_fail("look", &error),
        };
        for orphan in &lot.orphans {
            world::of(&self.known).takes(self.number, orphan.stream());
        }
        for (_, error) in &lot.unopened {
            self.may_fail("open", error);
        }
        for orphan in lot.orphans {
            self.adopt(orphan);
        }
    }

    fn adopt(&mut self, orphan: Orphan) {
        let id = orphan.stream();
        let adopted = orphan.adopt(&self.options);
        if self.fs.is_dead() {
            return;
        }
        let adopted = match adopted {
            Ok(Some(adopted)) => adopted,
            other => {
                world::of(&self.known).lets_go(id);
                match other {
                    Ok(_) => self.is_gone(&format!("{id} is empty"), id),
                    Err(error) => self.cannot_adopt(id, &error),
                }
                return;
            }
        };
        let needs_end = adopted.needs_end;
        let mut stream = Stream::new(adopted.journal, (adopted.reader, adopted.settler), false, needs_end);
        stream.calls = adopted.open.iter().map(|open| (open.call, open.request.to_vec())).collect();
        self.say(format!("adopts {id} ({:?})", stream.journal.usage()));
        let mut world = world::of(&self.known);
        let told = world.told.entry(id).or_default();
        told.shaky = self.fs.has_faults();
        if self.has_met_faults() {
            // The cursor may not have been read, and what is not durable may be left to the next one.
            told.settled = 0;
        } else {
            told.synced();
        }
        if needs_end {
            let open: Vec<_> = stream.calls.iter().map(|(_, request)| &request[..]).collect();
            told.open_at_adoption(&open, !self.has_met_faults());
        }
        drop(world);
        self.streams.push(stream);
        self.listen();
    }

    /// The sync of what the dead process had not synced may have failed. Then what was dropped may be gone.
    fn cannot_adopt(&self, id: StreamId, error: &JournalError) {
        self.may_fail("adopt", error);
        if self.appends_meanwhile {
            world::of(&self.known).told.entry(id).or_default().power_lost();
        }
    }

    /// As the trail does with a stream that is drained: it removes what is done, and leaves the rest to others.
    fn let_go(&mut self, index: usize) {
        let stream = &self.streams[index];
        if stream.own || !stream.unsettled.is_empty() || !(stream.ended || stream.calls.is_empty()) {
            return;
        }
        let stream = self.streams.remove(index);
        self.remove(stream);
    }

    fn remove(&mut self, stream: Stream) -> bool {
        let id = stream.id;
        self.unanswered.retain(|(of, _)| *of != id);
        let is_done = stream.journal.remove_if_done();
        drop(stream);
        self.listen();
        if self.fs.is_dead() {
            // Nobody knows how much of it is there.
            world::of(&self.known).told.entry(id).or_default().settled = 0;
            return false;
        }
        world::of(&self.known).lets_go(id);
        if is_done {
            self.is_gone(&format!("removes {id}"), id);
        } else {
            self.say(format!("lets go of {id}"));
            world::of(&self.known).told.entry(id).or_default().killed();
        }
        is_done
    }

    /// What was acknowledged is told or with the sink. Of what could not be removed all may be sent again.
    fn is_gone(&self, how: &str, id: StreamId) {
        self.say(how);
        let mut world = world::of(&self.known);
        let told = world.told.entry(id).or_default();
        told.may_be_gone();
        told.settled = 0;
    }

    /// Ends as it should, if it has nothing left, and as it is otherwise.
    fn exit(&mut self, chance: &mut Chance) {
        if !chance.one_in(3) {
            return;
        }
        self.say("exits");
        while let Some(stream) = self.streams.pop() {
            if stream.ended && stream.unsettled.is_empty() {
                self.remove(stream);
            }
        }
        self.killed();
    }

    pub fn listen(&self) {
        for event in self.teller.take() {
            let mut world = world::of(&self.known);
            world.say(self.number, format!("  {event:?}"));
            if let Event::Lost { stream, first, last, .. } = event {
                world.told.entry(stream).or_default().reported_lost(first, last);
            }
        }
    }

    fn see_to_death(&mut self) {
        if self.fs.is_dead() {
            self.say("dies");
            self.killed();
        }
    }

    /// Its locks are free, and whatever it had in hand is others'.
    pub fn killed(&mut self) {
        self.listen();
        self.fs.restart(crate::simulated::Death::Kill);
        self.streams.clear();
        self.unanswered.clear();
        self.teller.killed();
        world::of(&self.known).killed(self.number);
    }

    /// The last process: everything works again, everything comes, and nothing is left.
    pub fn finish(&mut self, chance: &mut Chance) {
        self.failures = self.fs.failures();
        self.teller.be_sure();
        self.appends_meanwhile = false;
        self.fs.faults(|faults| *faults = Faults::default());
        self.start(chance);
        self.look(usize::MAX);
        assert!(!self.streams.is_empty(), "nothing fails");
        for index in (0..self.streams.len()).rev() {
            // Reads and settles before it appends: the bound may be reached.
            for _ in 0..2 {
                self.drain(index, chance);
            }
            let stream = self.streams.remove(index);
            let usage = stream.journal.usage();
            assert!(self.remove(stream), "it is not done: {usage:?}");
            assert_eq!((usage.settled, usage.pending_bytes), (usage.appended, 0), "{usage:?}");
        }
    }

    fn drain(&mut self, index: usize, chance: &mut Chance) {
        while let Some(call) = self.streams[index].calls.pop() {
            let before = self.streams[index].calls.len();
            let payload = world::of(&self.known).payload(20);
            let planned = Planned { kind: Kind::Response, call: Some(call), payload };
            let appended = planned.append(&self.streams[index].journal, &self.fs);
            self.appended(index, appended);
            if self.streams[index].calls.len() > before {
                break;
            }
        }
        if !self.streams[index].ended && self.streams[index].calls.is_empty() {
            self.append_last(index);
        }
        self.commit(index, chance);
        while !self.fs.is_dead() {
            self.read(index, chance);
            let many = self.streams[index].unsettled.len();
            if many == 0 {
                return;
            }
            self.settle(index, many as u64);
        }
    }

    fn directory_of(&self, stream: StreamId) -> PathBuf {
        self.options.directory.join("streams").join(stream.to_string())
    }

    fn say(&self, what: impl Into<String>) {
        world::of(&self.known).say(self.number, what);
    }
}
