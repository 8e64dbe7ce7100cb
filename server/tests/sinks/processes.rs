//! Real processes: several at once, and killed ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::child::OwnChild;
use crate::rig::{auditrail, counted, files, ids, record, records, run, text, until, writer};

/// With files so small that they are rotated while others write.
pub(crate) fn share_a_file() {
    const RECORDS: u64 = 1500;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let sink = [
        ("AUDITRAIL_SINK", "file"),
        ("AUDITRAIL_FILE", path.to_str().unwrap()),
        ("AUDITRAIL_FILE_MAX_BYTES", "1048576"),
        ("AUDITRAIL_FILE_KEEP", "100"),
    ];
    let state = directory.path().join("state");
    let oracle = |number: usize| directory.path().join(format!("oracle-{number}"));
    let children: Vec<_> =
        (0..3).map(|number| OwnChild::spawn(&mut writer(&state, &oracle(number), RECORDS, &sink))).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let files = files(&path);
    assert!(files.len() > 3, "{files:?}");
    let found = records(&files);
    let counted = counted(&found);
    for number in 0..3 {
        let told = ids(&oracle(number));
        assert_eq!(told.len() as u64, RECORDS);
        let missing: Vec<_> = told.iter().filter(|id| !counted.contains_key(*id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    assert!(counted.values().all(|times| *times == 1), "nobody crashed, so once each");
    in_order(&found);
}

/// The numbers of each stream increase by one: those of the trail itself are there, too.
fn in_order(found: &[Value]) {
    let mut streams = BTreeMap::<&str, u64>::new();
    for record in found {
        let number: u64 = text(record, "audit.sequence.number").parse().unwrap();
        let last = streams.entry(text(record, "auditrail.stream.id")).or_default();
        assert_eq!(number, *last + 1);
        *last = number;
    }
}

/// Killed in the middle of appending, syncing, rotating and settling.
pub(crate) fn are_killed() {
    const ROUNDS: usize = 12;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let (state, oracle) = (directory.path().join("state"), directory.path().join("oracle"));
    let sink = [
        ("AUDITRAIL_SINK", "file"),
        ("AUDITRAIL_FILE", path.to_str().unwrap()),
        ("AUDITRAIL_FILE_MAX_BYTES", "1048576"),
        ("AUDITRAIL_FILE_KEEP", "10000"),
    ];
    for round in 0..ROUNDS {
        let enough = ids(&oracle).len() + 40 + round * 97;
        let mut child = OwnChild::spawn(&mut writer(&state, &oracle, u64::MAX, &sink));
        until("it writes", || ids(&oracle).len() >= enough);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let told = ids(&oracle);
    let mut drain = auditrail(&["journal", "drain", "--dir", state.to_str().unwrap()]);
    let (code, shown, said) = run(drain.envs(sink));
    assert_eq!(code, 0, "{shown}{said}");

    let found = records(&files(&path));
    let counted = counted(&found);
    let missing: Vec<_> = told.iter().filter(|id| !counted.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing", missing.len(), told.len());
    // A kill can come between the file and the cursor, each time anew.
    let again = counted.values().filter(|times| **times > 1).count();
    assert!(counted.values().all(|times| *times <= ROUNDS), "{counted:?}");
    let states = |wanted| found.iter().filter(|record| text(record, "auditrail.lifecycle.state") == wanted).count();
    assert!(states("stopped") >= ROUNDS, "each stream has its end");
    eprintln!("{} acknowledged records survived {ROUNDS} kills, {again} stand there twice", told.len());
}

pub(crate) fn write_to_standard_error() {
    let directory = tempfile::tempdir().unwrap();
    let oracle = directory.path().join("oracle");
    let sink = [("AUDITRAIL_SINK", "stderr")];
    let (code, printed, said) = run(&mut writer(&directory.path().join("state"), &oracle, 50, &sink));
    assert_eq!((code, printed.as_str()), (0, ""), "{said}");
    let found: Vec<_> = said.lines().map(record).collect();
    assert_eq!(found.len(), 52);
    in_order(&found);
    assert!(ids(&oracle).iter().all(|id| counted(&found).contains_key(id)));
    assert!(!Path::new(&directory.path().join("state/trail.jsonl")).exists());
}
