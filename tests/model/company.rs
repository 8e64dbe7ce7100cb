//! Walks by chance of some processes on one directory: they start, adopt each other's streams, and die, one after the other or
//! two at the same time; the disk fails, for a moment or until somebody mends it; and threads
//! append while others sync.
//!
//! A step is drawn from a number of its own. So a walk that fails is shortened by leaving out any of them, not only the last.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::actor::Actor;
use super::number;
use super::world::{self, Known};
use crate::simulated::{Chance, Death, Faults, Lasting, Operation, SimulatedFs};

/// What happens in the walks beside what one process does.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    pub processes: usize,
    /// Faults that stay, also over starts.
    pub lasting: bool,
    /// Records come while a sync is under way, which may drop what it could not write.
    pub meanwhile: bool,
}

/// `AUDITRAIL_MODEL_CASES` is for a thousand of them; so each kind gets its share.
pub fn run(kinds: Kinds, cases: u64) {
    if let Some(seed) = number("AUDITRAIL_MODEL_SEED") {
        return one(kinds, seed);
    }
    let first = number("AUDITRAIL_MODEL_FIRST").unwrap_or(1);
    let cases = number("AUDITRAIL_MODEL_CASES").map_or(cases, |all| (all * cases).div_ceil(1000));
    (first..first + cases).for_each(|seed| one(kinds, seed));
}

fn one(kinds: Kinds, seed: u64) {
    let attempt = |steps: &[u64]| {
        let company = Company::new(kinds, seed);
        let ended = catch_unwind(AssertUnwindSafe(|| company.go(steps)));
        ended.map_err(|_| world::of(&company.known).log.clone())
    };
    let mut chance = Chance::new(seed);
    let mut steps: Vec<u64> = (0..20 + seed % 70).map(|_| chance.next()).collect();
    if attempt(&steps).is_ok() {
        return;
    }
    let many = (0..steps.len()).find(|many| attempt(&steps[..*many]).is_err());
    steps.truncate(many.unwrap_or(steps.len()));
    for at in (0..steps.len()).rev() {
        let without = [&steps[..at], &steps[at + 1..]].concat();
        if attempt(&without).is_err() {
            steps = without;
        }
    }
    let log = attempt(&steps).err().unwrap_or_default();
    panic!("{kinds:?}: replay with AUDITRAIL_MODEL_SEED={seed} ({} steps):\n{}", steps.len(), log.join("\n"));
}

struct Company {
    kinds: Kinds,
    disk: SimulatedFs,
    actors: Vec<Arc<Mutex<Actor>>>,
    known: Known,
}

impl Company {
    fn new(kinds: Kinds, seed: u64) -> Self {
        let mut chance = Chance::new(!seed);
        let disk = SimulatedFs::new(chance.next(), if chance.one_in(2) { 512 } else { 4096 });
        let max_bytes = if chance.one_in(4) { 256 << 10 } else { 64 << 20 };
        let (known, writes_much) = (Known::default(), chance.one_in(3));
        let actors = (0..kinds.processes).map(|number| {
            let mut actor = Actor::new(number, &disk, &known, (chance.next(), max_bytes));
            (actor.appends_meanwhile, actor.writes_much) = (kinds.meanwhile, writes_much);
            Arc::new(Mutex::new(actor))
        });
        let actors = actors.collect();
        disk.faults(|faults| faults.evicts = kinds.meanwhile && chance.one_in(2));
        Self { kinds, disk, actors, known }
    }

    fn go(&self, steps: &[u64]) {
        for step in steps {
            self.step(&mut Chance::new(*step));
        }
        self.finish();
    }

    fn step(&self, chance: &mut Chance) {
        let actor = &self.actors[usize::try_from(chance.below(self.actors.len() as u64)).unwrap()];
        match chance.below(40) {
            0 => self.lose_power(),
            1 | 2 => {
                self.say("is killed", actor);
                actor.lock().unwrap().killed();
            }
            3 | 4 => {
                let operations = chance.below(30);
                self.say(&format!("will die after {operations} operations"), actor);
                actor.lock().unwrap().fs.die_after(operations);
            }
            5 => self.disk.faults(|faults| *faults = Faults { sync: 1, ..*faults }),
            6 => self.disk.faults(|faults| *faults = Faults { sync_dir: 1, publish: 1, ..*faults }),
            7 => self.disk.faults(|faults| *faults = Faults { full: !faults.full, read: 1, ..*faults }),
            8 if self.kinds.meanwhile => self.disk.faults(|faults| *faults = Faults { sync: 2, ..*faults }),
            8..11 if self.kinds.lasting => self.begin_fault(chance),
            11 if self.kinds.lasting => {
                self.log("the disk is mended".into());
                self.disk.lift_faults();
            }
            12 => self.damage(chance),
            _ => self.act(actor, chance),
        }
    }

    fn damage(&self, chance: &mut Chance) {
        let Some((stream, payload)) = world::of(&self.known).damage(chance) else { return };
        self.log(format!("a record of {stream} is damaged: {}", u64::from_le_bytes(payload[..8].try_into().unwrap())));
        self.disk.damage(&Path::new("/var/journal/streams").join(stream.to_string()), &payload, 32);
    }

    /// Some process does something, and maybe another one in the middle of that.
    fn act(&self, actor: &Arc<Mutex<Actor>>, chance: &mut Chance) {
        let fs = actor.lock().unwrap().fs.clone();
        let others: Vec<_> = self.actors.iter().filter(|other| !Arc::ptr_eq(other, actor)).collect();
        let (mut one, mut two) = (Chance::new(chance.next()), Chance::new(chance.next()));
        if !others.is_empty() && chance.one_in(2) {
            let other = others[usize::try_from(chance.below(others.len() as u64)).unwrap()];
            let its = other.lock().unwrap().fs.clone();
            let both = [actor, other].map(|actor| actor.lock().unwrap().number);
            self.log(format!("{both:?} at once:"));
            let other = || {
                let mut other = other.lock().unwrap();
                // Most of what two processes both want is a stream whose owner is gone.
                if two.one_in(2) { other.take_over(&mut two) } else { other.step(&mut two) }
            };
            fs.at_once(&its, chance.next(), || actor.lock().unwrap().step(&mut one), other);
        } else {
            actor.lock().unwrap().step(&mut one);
        }
        // The power goes in the middle of something: whoever did it is dead.
        let died = actor.lock().unwrap().streams.is_empty();
        if died && chance.one_in(12) {
            self.lose_power();
        }
    }

    fn lose_power(&self) {
        self.log("the power is lost".into());
        self.disk.restart(Death::PowerLoss);
        for actor in &self.actors {
            actor.lock().unwrap().killed();
        }
        world::of(&self.known).power_lost();
    }

    fn begin_fault(&self, chance: &mut Chance) {
        let of = |all: &[&str], chance: &mut Chance| {
            all[usize::try_from(chance.below(all.len() as u64)).unwrap()].to_owned()
        };
        let (operation, errno) = match chance.below(11) {
            0 | 1 => (Operation::Create, ENOSPC),
            2 | 3 => (Operation::Write, ENOSPC),
            4 => (Operation::Write, EIO),
            5 => (Operation::Sync, EIO),
            6 => (Operation::SyncDirectory, EIO),
            7 => (Operation::Read, EIO),
            8 => (Operation::Open, EIO),
            9 => (Operation::Rename, if chance.one_in(2) { EIO } else { ENOSPC }),
            _ => (Operation::Remove, EIO),
        };
        let ending = match operation {
            Operation::Sync | Operation::Write | Operation::Read | Operation::Create => {
                of(&["", "", ".seg", ".seg", "cursor", "mark", "stream", "lock", "previous", ".new"], chance)
            }
            Operation::Remove | Operation::Open => of(&["", ".seg", "cursor", "mark", "stream", "streams"], chance),
            _ => String::new(),
        };
        let fault = Lasting { operation, errno, ending };
        self.log(format!("from now on: {fault:?}"));
        self.disk.begin_fault(fault);
        world::of(&self.known).is_shaky();
    }

    /// Everything works again: a process comes that adopts all.
    fn finish(&self) {
        self.log("everything works again".into());
        self.disk.lift_faults();
        for actor in &self.actors {
            actor.lock().unwrap().killed();
        }
        self.actors[0].lock().unwrap().finish(&mut Chance::new(1));
        world::of(&self.known).told.values().for_each(super::oracle::Told::is_complete);
        let deep =
            |path: &std::path::PathBuf| path.components().count() > 4 && !path.to_string_lossy().contains("quarantine");
        let left: BTreeSet<_> = self.disk.paths().into_iter().filter(deep).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn say(&self, what: &str, actor: &Arc<Mutex<Actor>>) {
        let number = actor.lock().unwrap().number;
        world::of(&self.known).say(number, what);
    }

    fn log(&self, what: String) {
        world::of(&self.known).log.push(what);
    }
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
