//! What a collector has accepted, and whether it is complete: each record once, and every call answered once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use auditrail::record::{Record, Value, names};

/// A record that a collector took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) stream: String,
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) call: String,
    /// The phase of a call's record; state and error of a lifecycle record; the event of others.
    pub(crate) what: String,
}

impl Taken {
    pub(crate) fn of(record: &Record) -> Self {
        let text = |name| record.text(name).unwrap_or_default().to_owned();
        let Some(Value::Int(sequence)) = record.get(names::AUDIT_SEQUENCE_NUMBER) else { panic!("{record:?}") };
        let what = match (&*record.event_name, text(names::AUDITRAIL_PHASE)) {
            ("auditrail.lifecycle", _) => {
                [text(names::AUDITRAIL_LIFECYCLE_STATE), text(names::ERROR_TYPE)].join(" ").trim().to_owned()
            }
            (event, phase) if phase.is_empty() => event.to_owned(),
            (_, phase) => phase,
        };
        Self {
            stream: text(names::AUDITRAIL_STREAM_ID),
            sequence: u64::try_from(*sequence).unwrap(),
            id: text(names::AUDIT_RECORD_ID),
            call: text(names::AUDITRAIL_CALL_ID),
            what,
        }
    }

    pub(crate) fn parse(line: &str) -> Self {
        let [stream, sequence, id, call, what] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let sequence = sequence.parse().unwrap();
        Self { stream: stream.into(), sequence, id: id.into(), call: call.into(), what: what.into() }
    }

    pub(crate) fn write(&self, to: &mut String) {
        writeln!(to, "{}|{}|{}|{}|{}", self.stream, self.sequence, self.id, self.call, self.what).unwrap();
    }
}

/// Each number of a stream once; says how often one came again, which must be the same record.
pub(crate) fn by_number(taken: Vec<Taken>) -> (Vec<Taken>, usize) {
    let all = taken.len();
    let mut numbers = BTreeMap::<(String, u64), Taken>::new();
    for one in taken {
        if let Some(before) = numbers.insert((one.stream.clone(), one.sequence), one.clone()) {
            assert_eq!(before, one, "a number is given twice");
        }
    }
    let again = all - numbers.len();
    (numbers.into_values().collect(), again)
}

/// Holds what was taken, each number once, against what the processes wrote down: the ids of records, and those of calls,
/// which have one request and one answer. No stream has a hole, and each ends once. Returns the streams of what was written
/// down.
pub(crate) fn check<'t>(taken: &'t [Taken], told: &[String]) -> BTreeSet<&'t str> {
    let mut streams = BTreeMap::<&str, BTreeMap<u64, &Taken>>::new();
    let (mut records, mut calls) = (BTreeMap::<&str, &Taken>::new(), BTreeMap::<&str, Vec<&Taken>>::new());
    for one in taken {
        let again = streams.entry(&one.stream).or_default().insert(one.sequence, one);
        assert!(again.is_none(), "number {} of {} arrives twice", one.sequence, one.stream);
        assert!(records.insert(&one.id, one).is_none(), "record {} arrives under two numbers", one.id);
        if !one.call.is_empty() {
            calls.entry(&one.call).or_default().push(one);
        }
    }
    let mut of_told = BTreeSet::new();
    for told in told {
        let (kind, id) = told.split_once(' ').unwrap();
        let found = match kind {
            "record" => records.get(id).copied().into_iter().collect(),
            _ => calls.get(id).cloned().unwrap_or_default(),
        };
        assert!(!found.is_empty(), "{told} was acknowledged, and does not arrive");
        of_told.extend(found.iter().map(|one| one.stream.as_str()));
    }
    for (call, halves) in calls {
        let mut phases: Vec<_> = halves.iter().map(|one| one.what.as_str()).collect();
        phases.sort_unstable();
        assert_eq!(phases, ["request", "response"], "call {call}");
    }
    for (stream, records) in streams {
        let last = records.len() as u64;
        assert!(records.keys().copied().eq(1..=last), "{stream}: {:?}", records.keys());
        let ends = records.values().filter(|one| one.what.starts_with("stopped")).count();
        assert_eq!(ends, 1, "{stream} ends once");
    }
    of_told
}
