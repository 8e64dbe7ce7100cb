//! Finds the rules that match, without looking at each.
//!
//! Each key has a table from the fact of a call to a set of rules: those that want it, and those that do not ask. The rules that
//! match are in all of these sets, and the sets are bits in the order of the rules: the first that is left decides. So a
//! decision costs a look-up for each key that the policy uses, and a few words of bits. There is nothing to cache, so no
//! client can make it grow, and no thread waits for another (ADR 043).

use std::collections::{BTreeMap, HashMap};

use super::facts::CallFacts;
use super::keys::{FLAGS, FlagKey, Keys, NAMES, NameKey};
use super::pattern::Pattern;

/// The tables of a policy.
#[derive(Debug)]
pub(super) struct Index {
    all: Set,
    names: Vec<(usize, NameTable)>,
    flags: Vec<(usize, FlagTable)>,
}

/// A set of rules, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set(Box<[u64]>);

/// The rules by a name.
#[derive(Debug)]
struct NameTable {
    /// Those that do not ask for it.
    any: Set,
    exact: HashMap<Box<str>, Set>,
    /// In order. A name that none of `exact` is has the rules of its longest beginning.
    beginnings: Vec<Beginning>,
}

#[derive(Debug)]
struct Beginning {
    text: Box<str>,
    /// The next shorter beginning of it.
    shorter: Option<usize>,
    rules: Set,
}

/// The rules by a fact with two values: unknown, false, true.
#[derive(Debug)]
struct FlagTable([Set; 3]);

/// The numbers of the rules that match, from 0, in order.
#[derive(Debug)]
pub(super) struct Matching<'a> {
    sets: [&'a [u64]; MOST_SETS],
    word: usize,
    bits: u64,
}

impl Index {
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Keys> + Clone) -> Self {
        let count = rules.clone().count();
        let names = NAMES.iter().enumerate().filter(|(_, key)| rules.clone().any(|rule| (key.wanted)(rule).is_some()));
        let flags = FLAGS.iter().enumerate().filter(|(_, key)| rules.clone().any(|rule| (key.wanted)(rule).is_some()));
        Self {
            all: Set::of(count, 0..count),
            names: names.map(|(at, key)| (at, NameTable::new(key, count, rules.clone()))).collect(),
            flags: flags.map(|(at, key)| (at, FlagTable::new(key, count, rules.clone()))).collect(),
        }
    }

    /// The rules that match facts that are [`CallFacts::as_matched`], whatever the outcome is.
    pub(super) fn matching(&self, facts: &CallFacts<'_>) -> Matching<'_> {
        let mut sets = [&*self.all.0; MOST_SETS];
        let of_names = self.names.iter().map(|(key, table)| {
            let fact = NAMES.get(*key).and_then(|key| (key.fact)(facts));
            &table.rules(fact).0
        });
        let of_flags = self.flags.iter().map(|(key, table)| {
            let fact = FLAGS.get(*key).and_then(|key| (key.fact)(facts));
            &table.rules(fact).0
        });
        for (set, found) in sets.iter_mut().zip(of_names.chain(of_flags)) {
            *set = found;
        }
        Matching::new(sets)
    }
}

impl NameTable {
    fn new<'a>(key: &NameKey, count: usize, rules: impl Iterator<Item = &'a Keys> + Clone) -> Self {
        let any = Set::of(count, numbers(rules.clone(), |rule| (key.wanted)(rule).is_none()));
        let mut wanted: [BTreeMap<&str, Vec<usize>>; 2] = [BTreeMap::new(), BTreeMap::new()];
        let [exact, beginnings] = &mut wanted;
        for (number, pattern) in rules.enumerate().filter_map(|(number, rule)| Some((number, (key.wanted)(rule)?))) {
            match pattern {
                Pattern::Exact(name) => exact.entry(name).or_default().push(number),
                Pattern::Prefix(beginning) => beginnings.entry(beginning).or_default().push(number),
            }
        }
        let mut table = Self { any, exact: HashMap::new(), beginnings: Vec::new() };
        for (text, numbers) in beginnings {
            // A beginning comes after all of its own beginnings.
            let shorter = table.longest_beginning(text);
            let rules = table.at(shorter).with(numbers);
            table.beginnings.push(Beginning { text: (*text).into(), shorter, rules });
        }
        for (name, numbers) in exact {
            let rules = table.at(table.longest_beginning(name)).with(numbers);
            table.exact.insert((*name).into(), rules);
        }
        table
    }

    fn rules(&self, name: Option<&str>) -> &Set {
        match name {
            None => &self.any,
            Some(name) => self.exact.get(name).unwrap_or_else(|| self.at(self.longest_beginning(name))),
        }
    }

    /// What is a beginning of the name sorts before it, and all that stands between the two begins with it, too. So the last
    /// one that does not sort behind the name is the longest beginning, or has it among its own.
    fn longest_beginning(&self, name: &str) -> Option<usize> {
        let mut at = self.beginnings.partition_point(|beginning| &*beginning.text <= name).checked_sub(1);
        while let Some(beginning) = at.and_then(|at| self.beginnings.get(at)) {
            if name.starts_with(&*beginning.text) {
                return at;
            }
            at = beginning.shorter;
        }
        None
    }

    fn at(&self, beginning: Option<usize>) -> &Set {
        beginning.and_then(|at| self.beginnings.get(at)).map_or(&self.any, |beginning| &beginning.rules)
    }
}

impl FlagTable {
    fn new<'a>(key: &FlagKey, count: usize, rules: impl Iterator<Item = &'a Keys> + Clone) -> Self {
        Self([None, Some(false), Some(true)].map(|fact| {
            let fits = |rule: &Keys| (key.wanted)(rule).is_none_or(|wanted| fact == Some(wanted));
            Set::of(count, numbers(rules.clone(), fits))
        }))
    }

    fn rules(&self, fact: Option<bool>) -> &Set {
        let Self([unknown, no, yes]) = self;
        match fact {
            None => unknown,
            Some(false) => no,
            Some(true) => yes,
        }
    }
}

impl Set {
    fn of(count: usize, numbers: impl Iterator<Item = usize>) -> Self {
        let mut set = Self(vec![0; count.div_ceil(BITS)].into());
        set.add(numbers);
        set
    }

    fn with(&self, numbers: &[usize]) -> Self {
        let mut set = self.clone();
        set.add(numbers.iter().copied());
        set
    }

    fn add(&mut self, numbers: impl Iterator<Item = usize>) {
        for number in numbers {
            if let Some(word) = self.0.get_mut(number / BITS) {
                *word |= 1 << (number % BITS);
            }
        }
    }
}

impl<'a> Matching<'a> {
    fn new(sets: [&'a [u64]; MOST_SETS]) -> Self {
        let mut matching = Self { sets, word: 0, bits: 0 };
        matching.bits = matching.load().unwrap_or(0);
        matching
    }

    /// The bits of the word that are in all sets.
    fn load(&self) -> Option<u64> {
        self.sets.iter().try_fold(u64::MAX, |bits, set| Some(bits & set.get(self.word)?))
    }
}

impl Iterator for Matching<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.word += 1;
            self.bits = self.load()?;
        }
        let first = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(self.word * BITS + first)
    }
}

fn numbers<'a>(rules: impl Iterator<Item = &'a Keys>, fits: impl Fn(&Keys) -> bool) -> impl Iterator<Item = usize> {
    rules.enumerate().filter(move |(_, rule)| fits(rule)).map(|(number, _)| number)
}

/// Of a word.
const BITS: usize = 64;
/// One for each key.
const MOST_SETS: usize = NAMES.len() + FLAGS.len();
