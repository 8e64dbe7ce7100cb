//! Promise "Damage on disk": a sector that cannot be read (EIO) is damage like any other. Its records are reported as
//! lost, everything else arrives, and nothing waits forever. A disk of which nothing can be read may recover, and
//! costs nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "support/faulty_fs.rs"]
mod faulty_fs;
#[path = "suite/support.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use auditrail::record::{EventName, Value, names};
use auditrail::trail::Moment;

use self::faulty_fs::FaultyFs;
use self::support::Bench;

const SHORT: Duration = Duration::from_millis(50);
const SECTOR: u64 = 4096;

/// The sector stands in the middle of a record.
#[test]
fn a_sector_that_cannot_be_read_costs_what_stands_in_it_and_is_told() {
    let fs = FaultyFs::default();
    let bench = Bench::with(|builder| builder.fs(fs.clone()).flush_timeout(SHORT).journal_max_bytes(64 << 20));
    bench.records();
    bench.sunk.away.store(true, SeqCst);
    // More than is read ahead, so that the last ones are read later.
    let record = |text: &str| {
        let long = (0..4).map(|_| text.repeat(4000 / text.len())).collect::<Vec<_>>();
        bench.trail.record(Moment::new(EventName::Context).attribute("app.parts", Value::strings(long))).to_string()
    };
    let ids: Vec<String> = (0..400).map(|number| record(if number == 390 { "unreadable" } else { "fine" })).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // All is on the disk when it is read ahead and waits.
    while said_away(&bench) == 0 {
        runtime.block_on(bench.trail.flush(SHORT)).unwrap_err();
    }
    let (segment, offset) = place_of(bench.directory.path(), b"unreadableunreadable");
    let sector = (offset + 2 * SECTOR) / SECTOR * SECTOR;
    fs.cannot_read(&segment, sector..sector + SECTOR);
    bench.sunk.away.store(false, SeqCst);
    bench.records();
    let records = bench.records();

    let held: BTreeSet<_> = records.iter().filter_map(|record| record.text(names::AUDIT_RECORD_ID)).collect();
    let missing: Vec<_> = ids.iter().filter(|id| !held.contains(id.as_str())).collect();
    assert_eq!(missing, [&ids[390]], "one record stands there");
    let gaps = records.iter().filter(|record| record.text(names::AUDITRAIL_GAP_CAUSE) == Some("lost"));
    let counts: Vec<_> = gaps.map(|gap| gap.get(names::AUDITRAIL_GAP_COUNT).cloned()).collect();
    assert_eq!(counts, [Some(Value::Int(1))]);
    let counts = bench.trail.counts();
    assert_eq!((counts.lost, counts.pending, counts.quarantined), (1, 0, 0), "{counts:?}");
}

fn said_away(bench: &Bench) -> usize {
    bench.said().iter().filter(|said| said.contains("does not take audit records")).count()
}

/// The segment and the offset where those bytes stand.
fn place_of(directory: &Path, bytes: &[u8]) -> (PathBuf, u64) {
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            if let Some(offset) = content.windows(bytes.len()).position(|window| window == bytes) {
                return (path, offset as u64);
            }
        }
    }
    panic!("they are nowhere")
}
