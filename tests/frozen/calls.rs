//! Calls of each class.

use std::time::Duration;

use auditrail::record::{EventName, Outcome, Record, Value, names};
use auditrail::trail::{Acknowledge, Call, Class, Moment, RefusalKind, WhenFull};

use crate::held_fs::{Held, HeldFs};
use crate::support::Bench;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(120);

const fn class(acknowledge: Acknowledge, when_full: WhenFull) -> Class {
    Class { acknowledge, when_full, deadline: SHORT, ..Class::CRITICAL }
}

const CLASSES: [Class; 6] = [
    class(Acknowledge::Written, WhenFull::Refuse),
    class(Acknowledge::Written, WhenFull::Wait),
    class(Acknowledge::Written, WhenFull::Shed),
    class(Acknowledge::Synced, WhenFull::Refuse),
    class(Acknowledge::Synced, WhenFull::Wait),
    class(Acknowledge::Synced, WhenFull::Shed),
];

/// Under each class, whatever stands still. Every `begin` returns while it does.
pub fn no_call_waits_longer_than_its_class_says() {
    for what in [Held::Syncs, Held::Making, Held::Stores] {
        let fs = HeldFs::default();
        let bench = Bench::with(|builder| {
            let class_of = |call: &Call| match call.name() {
                Some(name) => CLASSES[name.parse::<usize>().unwrap()],
                None => CLASSES[0],
            };
            builder.classify(class_of).class(CLASSES[2]).fs(fs.clone()).journal_max_bytes(64 << 20)
        });
        bench.records();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let held = fs.hold(what);
        let fills = use_up(&bench, what);
        for (number, class) in CLASSES.iter().enumerate() {
            let began = runtime.block_on(bench.trail.begin(Call::mcp("tools/call").tool(number.to_string())));
            let case = format!("{what:?} {class:?}");
            // What is in the journal survives the process: only who waits for syncs minds that they stand.
            let is_kept = what == Held::Syncs && class.acknowledge == Acknowledge::Written;
            match began {
                Ok(open) => {
                    assert!(is_kept || class.when_full == WhenFull::Shed, "{case}: it runs unrecorded");
                    runtime.block_on(open.finish(Outcome::ok()));
                }
                Err(refused) => {
                    assert_eq!(refused.kind, RefusalKind::Unrecorded, "{case}");
                    assert!(!is_kept && class.when_full != WhenFull::Shed, "{case}: it is refused");
                }
            }
        }
        let flushed = runtime.block_on(bench.trail.flush(SHORT));
        assert!(flushed.is_err() || what != Held::Syncs, "what it was to ship is not synced");
        let counts = bench.trail.counts();
        assert_eq!(counts.emitted, counts.acknowledged + counts.refused, "{what:?} {counts:?}");
        drop(held);

        // On a busy machine the first one may still find the disk slow; what it left out is told with one that is taken.
        let (mut records, mut counts, mut gaps) = (Vec::new(), bench.trail.counts(), 0);
        for _ in 0..60 {
            bench.trail.record(Moment::new(EventName::Context));
            records = bench.records();
            counts = bench.trail.counts();
            gaps = records.iter().filter(|record| record.event_name == "auditrail.gap").map(count).sum::<u64>();
            if gaps == counts.refused {
                break;
            }
        }
        assert_eq!((counts.pending, counts.lost), (0, 0), "{what:?} {counts:?}");
        assert_eq!(gaps, counts.refused, "{what:?}: every one is told");
        // Four refused or shed requests of those six, and two shed responses; and fills.
        let least = if what == Held::Syncs { 0 } else { 4 };
        assert!(counts.refused >= least && (what != Held::Syncs || counts.refused == 0), "{what:?} {counts:?}");
        let of_calls = |record: &&Record| record.text(names::GEN_AI_TOOL_NAME).is_some();
        let kept = records.iter().filter(of_calls).count() as u64;
        let taken = records.iter().filter(|record| record.text("app.fill").is_some()).count() as u64;
        assert!(taken <= fills, "{what:?}");
        assert!(if what == Held::Syncs { kept == 12 } else { kept < 12 }, "{what:?}: {kept}");
        // All is well again.
        let call = Call::mcp("tools/call").tool("3");
        runtime.block_on(async { bench.trail.begin(call).await.unwrap().finish(Outcome::ok()).await });
    }
}

/// Where segments cannot be made, what is there has room for some.
fn use_up(bench: &Bench, what: Held) -> u64 {
    let mut fills = 0;
    while what == Held::Making && bench.trail.counts().refused == 0 {
        bench.trail.record(Moment::new(EventName::Context).attribute("app.fill", "x".repeat(4000)));
        fills += 1;
    }
    fills
}

fn count(gap: &Record) -> u64 {
    match gap.get(names::AUDITRAIL_GAP_COUNT) {
        Some(Value::Int(count)) => u64::try_from(*count).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The end does not wait for it, and what was taken arrives later.
pub fn a_trail_ends_while_the_disk_stands_still() {
    std::thread::scope(|scope| {
        let ends = [Held::Syncs, Held::Stores].map(|what| scope.spawn(move || ends_while_it_stands(what)));
        ends.into_iter().for_each(|end| end.join().unwrap());
    });
}

fn ends_while_it_stands(what: Held) {
    let fs = HeldFs::default();
    let bench = Bench::with(|builder| builder.fs(fs.clone()).flush_timeout(SHORT));
    bench.records();
    let id = bench.trail.record(Moment::new(EventName::Context)).to_string();
    let held = fs.hold(what);
    let Bench { trail, directory, sunk, .. } = bench;
    drop(trail);
    drop(held);
    loop {
        // The threads of the first trail may be at work still; its stream is adopted when it is let go.
        let next = Bench::on(directory.clone(), |builder| builder);
        next.records();
        let mut there = sunk.records();
        there.extend(next.sunk.records());
        if there.iter().any(|record| record.text(names::AUDIT_RECORD_ID) == Some(&id)) {
            return;
        }
    }
}
