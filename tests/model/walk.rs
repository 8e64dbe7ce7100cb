//! The steps of a random walk.

use std::collections::BTreeMap;
use std::sync::Arc;

use auditrail::journal::{Event, JournalOptions, Kind};
use auditrail::record::StreamId;

use super::oracle::{Call, Certainty, Told};
use super::process::{Reports, Seeded, Stream, options, start};
use crate::simulated::{Chance, Death, Faults, SimulatedFs};

pub struct Walk {
    chance: Chance,
    fs: SimulatedFs,
    options: JournalOptions,
    reports: Arc<Reports>,
    streams: Vec<Stream>,
    told: BTreeMap<StreamId, Told>,
    records: u64,
    old_cursors: BTreeMap<std::path::PathBuf, Vec<u8>>,
    log: Vec<String>,
}

impl Walk {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let fs = SimulatedFs::new(chance.next(), if chance.one_in(2) { 512 } else { 4096 });
        let (reports, seeded) = (Arc::default(), Arc::new(Seeded::new(chance.next())));
        let max_bytes = if chance.one_in(4) { 256 << 10 } else { 64 << 20 };
        let options = options(&fs, &reports, &seeded, max_bytes);
        Self {
            chance,
            fs,
            options,
            reports,
            streams: Vec::new(),
            told: BTreeMap::new(),
            records: 0,
            old_cursors: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    pub fn log(self) -> Vec<String> {
        self.log
    }

    pub fn go(&mut self, steps: u64) {
        self.start();
        for _ in 0..steps {
            self.step();
            if self.fs.is_dead() {
                let death = if self.chance.one_in(2) { Death::Kill } else { Death::PowerLoss };
                self.restart(death);
            }
        }
        self.drain();
    }

    fn step(&mut self) {
        let index = usize::try_from(self.chance.below(self.streams.len() as u64)).unwrap();
        let index = if self.chance.one_in(2) { 0 } else { index };
        match self.chance.below(32) {
            0..10 => {
                for _ in 0..=self.chance.below(6) {
                    self.append(index);
                }
            }
            10..15 => self.commit(index),
            15..19 => self.read(index),
            19..22 => self.settle(index),
            22 => self.maintain(index),
            23 => self.end(index),
            24 => self.fs.faults(|faults| *faults = Faults { sync: 1, ..*faults }),
            25 => self.fs.faults(|faults| *faults = Faults { sync_dir: 1, publish: 1, ..*faults }),
            26 => self.fs.faults(|faults| *faults = Faults { full: !faults.full, read: 1, ..*faults }),
            27 | 28 => {
                let operations = self.chance.below(12);
                self.log.push(format!("dies after {operations} operations"));
                self.fs.die_after(operations);
            }
            29 => self.restart(Death::Kill),
            30 => self.restart(Death::PowerLoss),
            _ => self.keep_cursor(),
        }
    }

    fn append(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        if stream.ended || self.fs.is_dead() {
            return;
        }
        let may_open = stream.own;
        let (kind, call) = match self.chance.below(6) {
            0 | 1 if !stream.calls.is_empty() => {
                let call =
                    stream.calls.swap_remove(usize::try_from(self.chance.below(stream.calls.len() as u64)).unwrap());
                (Kind::Response, Some(call))
            }
            2 if may_open => (Kind::Request, None),
            3 if may_open => (Kind::Intent, None),
            _ => (Kind::Moment, None),
        };
        let length = if self.chance.one_in(4) { self.chance.below(16_000) } else { self.chance.below(700) };
        self.append_this(index, kind, call, length);
    }

    fn append_this(
        &mut self,
        index: usize,
        kind: Kind,
        call: Option<(auditrail::journal::CallNumber, Vec<u8>)>,
        length: u64,
    ) {
        let stream = &mut self.streams[index];
        self.records += 1;
        let id = self.records;
        let mut payload = id.to_le_bytes().to_vec();
        payload.extend((0..length).map(|at| ((id * 31 + at) % 251) as u8));
        let told = self.told.entry(stream.id).or_default();
        let expected = stream.journal.usage().appended + 1;
        let taken = stream.append(kind, call.as_ref().map(|(call, _)| *call), &payload);
        self.log.push(format!("append {kind:?} {id} of {length} to {}: {taken:?}", stream.id));
        let answered = call.as_ref().map(|(_, request)| request.clone());
        let of = move |told: &mut Told| told.calls.iter_mut().position(|call| Some(&call.request) == answered.as_ref());
        if self.fs.is_dead() {
            if kind.is_record() {
                told.may.entry(expected).or_default().push(payload.clone());
            }
            if let Some(at) = of(told) {
                told.calls[at].answered = Certainty::Maybe;
            }
            if matches!(kind, Kind::Request | Kind::Intent) {
                told.calls.push(Call { request: payload, asked: Certainty::Maybe, answered: Certainty::No });
            }
            return;
        }
        let Ok(receipt) = taken else {
            if let Some(call) = call {
                stream.calls.push(call);
            }
            return;
        };
        if kind.is_record() {
            assert_eq!(receipt.sequence, expected);
            told.acknowledged(expected, payload.clone());
        }
        if let Some(at) = of(told) {
            told.calls[at].answered = Certainty::Written;
        }
        if let Some(call) = receipt.call {
            stream.calls.push((call, payload.clone()));
            told.calls.push(Call { request: payload, asked: Certainty::Written, answered: Certainty::No });
        }
        stream.ended = kind == Kind::Last;
    }

    fn commit(&mut self, index: usize) {
        let stream = &self.streams[index];
        let done = stream.journal.commit();
        self.log.push(format!("commit {}: {done:?}", stream.id));
        if done.is_ok() && !self.fs.is_dead() {
            self.told.entry(stream.id).or_default().synced();
        }
        self.listen();
    }

    fn read(&mut self, index: usize) {
        let records = 1 + usize::try_from(self.chance.below(9)).unwrap();
        let stream = &mut self.streams[index];
        let batch = stream.next(records);
        let numbers: Vec<_> = batch.iter().map(|(sequence, _)| *sequence).collect();
        self.log.push(format!("read {}: {numbers:?}", stream.id));
        if self.fs.is_dead() {
            return;
        }
        let (id, own) = (stream.id, stream.own);
        for (sequence, payload) in &batch {
            assert!(*sequence > stream.read, "{sequence} after {}", stream.read);
            stream.read = *sequence;
            self.told.entry(id).or_default().delivered(*sequence, payload, own);
        }
        stream.unsettled.extend(numbers.last());
        self.listen();
    }

    fn settle(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        let many = self.chance.below(stream.unsettled.len() as u64 + 1);
        let Some(through) = stream.unsettled.drain(..usize::try_from(many).unwrap()).next_back() else { return };
        stream.settler.settle(through);
        self.log.push(format!("settle {} {through}", stream.id));
        if self.fs.is_dead() {
            // The cursor may have been cut.
            self.told.entry(stream.id).or_default().settled = 0;
        }
        let cursor = self.options.directory.join("streams").join(stream.id.to_string()).join("cursor");
        let saved = self.fs.content(&cursor).filter(|cursor| cursor.len() == 56).map(|cursor| cursor[24..32].to_vec());
        if !self.fs.is_dead() && saved.is_some_and(|saved| u64::from_le_bytes(saved.try_into().unwrap()) >= through) {
            let told = self.told.entry(stream.id).or_default();
            told.settled = if told.lost.is_empty() { told.settled.max(through) } else { 0 };
        }
        self.listen();
    }

    fn maintain(&mut self, index: usize) {
        if self.streams[index].own {
            self.streams[index].journal.maintain();
        }
        self.listen();
    }

    fn end(&mut self, index: usize) {
        let stream = &self.streams[index];
        if stream.own || stream.ended || !stream.calls.is_empty() {
            return;
        }
        self.append_this(index, Kind::Last, None, 20);
    }

    /// What the watcher was told.
    fn listen(&mut self) {
        for event in self.reports.take() {
            if self.fs.is_dead() {
                continue;
            }
            self.log.push(format!("  {event:?}"));
            if let Event::Lost { stream, first, last, .. } = event {
                self.told.entry(stream).or_default().reported_lost(first, last);
            }
        }
    }

    fn restart(&mut self, death: Death) {
        self.log.push(format!("{death:?}"));
        self.fs.restart(death);
        self.fs.faults(|faults| *faults = Faults::default());
        self.streams.clear();
        self.reports.take();
        if death == Death::PowerLoss {
            self.told.values_mut().for_each(Told::power_lost);
        }
        if self.chance.one_in(4) {
            self.touch_cursors();
        }
        self.start();
    }

    fn start(&mut self) {
        if self.chance.one_in(4) {
            self.fs.die_after(self.chance.below(80));
        }
        let started = start(&self.options);
        if self.fs.is_dead() {
            let death = if self.chance.one_in(2) { Death::Kill } else { Death::PowerLoss };
            drop(started);
            self.streams.clear();
            return self.restart(death);
        }
        for (stream, open) in started.expect("nothing fails") {
            self.log.push(format!("has {} ({:?})", stream.id, stream.journal.usage()));
            if let Some(open) = &open {
                self.log.push(format!("  open: {:?}", open.iter().map(|request| request[0]).collect::<Vec<_>>()));
            }
            let told = self.told.entry(stream.id).or_default();
            assert!(!told.removed, "{} was removed", stream.id);
            if !stream.own {
                told.synced();
            }
            if let Some(open) = &open {
                told.open_at_adoption(&open.iter().map(Vec::as_slice).collect::<Vec<_>>(), true);
            }
            self.streams.push(stream);
        }
        self.listen();
    }

    fn keep_cursor(&mut self) {
        for path in self.fs.paths().into_iter().filter(|path| path.ends_with("cursor")) {
            self.old_cursors.insert(path.clone(), self.fs.content(&path).unwrap());
        }
    }

    /// While nobody runs: lost, damaged, behind or ahead.
    fn touch_cursors(&mut self) {
        for path in self.fs.paths().into_iter().filter(|path| path.ends_with("cursor")) {
            let mut content = self.fs.content(&path).unwrap();
            match self.chance.below(4) {
                0 => content.clear(),
                1 => content.iter_mut().take(30).skip(20).for_each(|byte| *byte ^= 0x55),
                2 => content = self.old_cursors.get(&path).cloned().unwrap_or_default(),
                _ if content.len() == 56 && crc32fast::hash(&content[..52]).to_le_bytes() == content[52..] => {
                    let sequence = u64::from_le_bytes(content[24..32].try_into().unwrap()) + 1 + self.chance.below(5);
                    content[24..32].copy_from_slice(&sequence.to_le_bytes());
                    let crc = crc32fast::hash(&content[..52]);
                    content[52..].copy_from_slice(&crc.to_le_bytes());
                }
                _ => {}
            }
            self.log.push(format!("touches {}", path.display()));
            self.fs.overwrite(&path, &content);
            let stream = path.parent().unwrap().file_name().unwrap().to_str().and_then(StreamId::parse).unwrap();
            let told = self.told.entry(stream).or_default();
            (told.settled, told.tampered) = (0, true);
        }
    }

    /// Everything works again: everything comes out, and nothing is left.
    fn drain(&mut self) {
        self.log.push("drain".to_owned());
        self.restart(Death::Kill);
        while self.fs.is_dead() {
            self.restart(Death::Kill);
        }
        self.fs.die_after(u64::MAX);
        for index in (0..self.streams.len()).rev() {
            // Reads and settles before it appends: the bound may be reached.
            for _ in 0..2 {
                self.drain_one(index);
            }
            let stream = &self.streams[index];
            let usage = stream.journal.usage();
            assert!(stream.journal.remove_if_done(), "{} is not done: {usage:?}", stream.id);
            assert_eq!((usage.settled, usage.pending_bytes), (usage.appended, 0), "{usage:?}");
            self.told.entry(stream.id).or_default().removed = true;
        }
        self.told.values().for_each(Told::is_complete);
        let left: Vec<_> = self.fs.paths().into_iter().filter(|path| path.components().count() > 4).collect();
        assert!(left.iter().all(|path| path.to_str().unwrap().contains("quarantine")), "{left:?}");
    }

    fn drain_one(&mut self, index: usize) {
        while let Some(call) = self.streams[index].calls.pop() {
            let before = self.streams[index].calls.len();
            self.append_this(index, Kind::Response, Some(call), 20);
            if self.streams[index].calls.len() > before {
                break;
            }
        }
        if !self.streams[index].ended && self.streams[index].calls.is_empty() {
            self.append_this(index, Kind::Last, None, 20);
        }
        self.commit(index);
        loop {
            self.read(index);
            if self.streams[index].unsettled.is_empty() {
                return;
            }
            self.settle_all(index);
        }
    }

    fn settle_all(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        if let Some(through) = stream.unsettled.drain(..).next_back() {
            stream.settler.settle(through);
        }
    }
}
