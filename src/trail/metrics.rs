//! The counters of a trail as OTel metrics.
//!
//! Invariants:
//! 1. In the numbers of one collection `emitted = acknowledged + refused + suppressed` and
//!    `acknowledged = delivered + quarantined + lost + pending`.
//! 2. A meter provider that outlives the trail keeps nothing of it alive.

use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::core::Core;
use super::handle::Trail;
use super::identity::STANDINGS;
use super::records::RecordCounts;
use super::wire_counts::WireCounts;
use crate::locks::Mutex;
use crate::ship::{EXPORT_SECONDS_BOUNDS, StatsSnapshot};

impl Trail {
    /// Registers the instruments of the trail, `auditrail.*`, with a meter. They are read when its provider collects; once
    /// the trail is gone, they observe nothing. A meter takes one trail: two would overwrite each other's numbers.
    ///
    /// | instrument | kind, unit | is |
    /// |---|---|---|
    /// | `auditrail.records.emitted` | counter, `{record}` | records that were made |
    /// | `auditrail.records.acknowledged` | counter, `{record}` | records that the journal took |
    /// | `auditrail.records.refused` | counter, `{record}` | records that it did not take, or that were shed |
    /// | `auditrail.records.suppressed` | counter, `{record}` | records that the policy leaves out |
    /// | `auditrail.records.delivered` | counter, `{record}` | records that the collector took |
    /// | `auditrail.records.quarantined` | counter, `{record}` | records that it refused for good |
    /// | `auditrail.records.lost` | counter, `{record}` | records that were damaged or removed on the disk |
    /// | `auditrail.journal.pending` | up-down counter, `{record}` | records that wait in the journal |
    /// | `auditrail.journal.size` | up-down counter, `By` | what the segments of this stream take on the disk |
    /// | `auditrail.journal.oldest_age` | gauge, `s` | how old the oldest record is that was read and is not settled |
    /// | `auditrail.journal.left_alone` | up-down counter, `{stream}` | streams of earlier processes that cannot be opened or read |
    /// | `auditrail.export.requests` | counter, `{request}` | requests that ended, retries included |
    /// | `auditrail.export.failures` | counter, `{request}` | those that the collector did not take |
    /// | `auditrail.mcp.messages` | counter, `{message}` | JSON-RPC messages that the taps saw |
    /// | `auditrail.mcp.flawed` | counter, `{message}` | what is no JSON-RPC message |
    /// | `auditrail.mcp.unasked` | counter, `{message}` | answers to nothing that is open |
    /// | `auditrail.mcp.evicted` | counter, `{call}` | calls that were ended because too many were open |
    /// | `auditrail.mcp.unread` | counter, `{body}` | HTTP bodies that passed unread |
    /// | `auditrail.mcp.replayed` | counter, `{message}` | messages that were sent again after a reconnection |
    /// | `auditrail.mcp.evicted_sessions` | counter, `{session}` | sessions that were closed because too many were open |
    /// | `auditrail.mcp.unjoined` | counter, `{message}` | messages too large for the proxy to write their span into them |
    /// | `auditrail.http.turned_away` | counter, `{request}` | requests that the proxy has answered with 503, for want of connections |
    /// | `auditrail.calls.actors` | counter, `{call}` | calls by how well their actor is known, where an extractor is configured: `auditrail.actor.standing` is `verified`, `asserted`, `unverified` or `anonymous` |
    /// | `auditrail.export.duration` | histogram, `s` | how long they took; `error.type` on those that failed |
    ///
    /// In the numbers of one collection `emitted = acknowledged + refused + suppressed` and
    /// `acknowledged = delivered + quarantined + lost + pending`.
    pub fn observe(&self, meter: &Meter) {
        let source = Arc::new(MetricsSource { core: Arc::downgrade(self.core()), collections: Mutex::default() });
        for (index, (name, description, count)) in (0..).zip(RECORDS) {
            let source = source.clone();
            meter
                .u64_observable_counter(name)
                .with_unit("{record}")
                .with_description(description)
                .with_callback(move |instrument| {
                    source.counts(index).into_iter().for_each(|counts| instrument.observe(count(&counts), &[]));
                })
                .build();
        }
        observe_journal(&source, meter);
        observe_export(&source, meter);
        observe_taps(&source, meter);
        observe_actors(&source, meter);
        let duration = meter.f64_histogram("auditrail.export.duration").with_unit("s");
        let duration = duration.with_description("How long requests to the collector took.");
        let duration = duration.with_boundaries(EXPORT_SECONDS_BOUNDS.to_vec()).build();
        self.core().delivery.shipper.stats().record_in(duration);
    }
}

fn observe_journal(source: &Arc<MetricsSource>, meter: &Meter) {
    let pending = source.clone();
    meter
        .i64_observable_up_down_counter("auditrail.journal.pending")
        .with_unit("{record}")
        .with_description("Records that wait in the journal.")
        .with_callback(move |instrument| {
            pending.counts(PENDING).into_iter().for_each(|counts| instrument.observe(signed(counts.pending), &[]));
        })
        .build();
    let size = source.clone();
    meter
        .i64_observable_up_down_counter("auditrail.journal.size")
        .with_unit("By")
        .with_description("Bytes that the segments of this stream take on the disk.")
        .with_callback(move |instrument| {
            let Some(core) = size.core.upgrade() else { return };
            instrument.observe(signed(core.recorder.journal.usage().allocated_bytes), &[]);
        })
        .build();
    let left_alone = source.clone();
    meter
        .i64_observable_up_down_counter("auditrail.journal.left_alone")
        .with_unit("{stream}")
        .with_description("Streams of earlier processes that cannot be opened or read.")
        .with_callback(move |instrument| {
            let Some(core) = left_alone.core.upgrade() else { return };
            instrument.observe(signed(core.delivery.adopted.unreadable_streams()), &[]);
        })
        .build();
    let age = source.clone();
    meter
        .f64_observable_gauge("auditrail.journal.oldest_age")
        .with_unit("s")
        .with_description("How old the oldest record is that was read and is not settled; 0 if there is none.")
        .with_callback(move |instrument| {
            let Some(core) = age.core.upgrade() else { return };
            let oldest = core.recorder.journal.usage().oldest_unix_nano;
            let nanos = oldest.map_or(0, |oldest| core.recorder.clock.unix_nano().saturating_sub(oldest));
            instrument.observe(std::time::Duration::from_nanos(nanos).as_secs_f64(), &[]);
        })
        .build();
}

fn observe_taps(source: &Arc<MetricsSource>, meter: &Meter) {
    for (name, unit, description, count) in TAPS {
        let core = source.core.clone();
        meter
            .u64_observable_counter(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |instrument| {
                let Some(core) = core.upgrade() else { return };
                instrument.observe(count(&core.context.wire_counters.read()), &[]);
            })
            .build();
    }
}

fn observe_actors(source: &Arc<MetricsSource>, meter: &Meter) {
    let core = source.core.clone();
    meter
        .u64_observable_counter("auditrail.calls.actors")
        .with_unit("{call}")
        .with_description("Calls by how well their actor is known.")
        .with_callback(move |instrument| {
            let Some(core) = core.upgrade() else { return };
            for (standing, total) in STANDINGS.into_iter().zip(core.context.actors.totals()) {
                instrument.observe(total, &[KeyValue::new("auditrail.actor.standing", standing)]);
            }
        })
        .build();
}

fn observe_export(source: &Arc<MetricsSource>, meter: &Meter) {
    let counters: [(&str, &str, RequestCount); 2] = [
        ("auditrail.export.requests", "Requests to the collector that ended, retries included.", |stats| {
            stats.requests
        }),
        ("auditrail.export.failures", "Requests that the collector did not take.", |stats| stats.failed_requests),
    ];
    for (name, description, count) in counters {
        let core = source.core.clone();
        meter
            .u64_observable_counter(name)
            .with_unit("{request}")
            .with_description(description)
            .with_callback(move |instrument| {
                let Some(core) = core.upgrade() else { return };
                instrument.observe(count(&core.delivery.shipper.stats().snapshot()), &[]);
            })
            .build();
    }
}

/// What the callbacks of one meter share, so that the numbers of one collection are of one moment.
#[derive(Debug)]
struct MetricsSource {
    core: Weak<Core>,
    /// By thread: a reader collects on one thread, and several readers may collect at the same time.
    collections: Mutex<Vec<(ThreadId, Collection)>>,
}

/// The numbers of a collection, and a bit for each instrument that has had them.
#[derive(Debug, Clone, Copy)]
struct Collection {
    counts: RecordCounts,
    had: u32,
}

impl MetricsSource {
    /// The numbers for an instrument. One that had those of this collection begins the next.
    fn counts(&self, instrument: u32) -> Option<RecordCounts> {
        let core = self.core.upgrade().filter(|core| !core.is_inherited())?;
        let bit = 1 << instrument;
        let mut collections = self.collections.lock();
        let thread = thread::current().id();
        let known = collections.iter().position(|(of, _)| *of == thread).map(|at| collections.swap_remove(at).1);
        let collection = known.filter(|known| known.had & bit == 0);
        let mut collection = collection.unwrap_or_else(|| Collection { counts: core.counts(), had: 0 });
        collection.had |= bit;
        if collection.had != ALL {
            collections.push((thread, collection));
        }
        Some(collection.counts)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

type Count = fn(&RecordCounts) -> u64;
type RequestCount = fn(&StatsSnapshot) -> u64;

const RECORDS: [(&str, &str, Count); 7] = [
    ("auditrail.records.emitted", "Audit records that were made.", |counts| counts.emitted),
    ("auditrail.records.acknowledged", "Audit records that the journal took.", |counts| counts.acknowledged),
    ("auditrail.records.refused", "Audit records that the journal did not take.", |counts| counts.refused),
    ("auditrail.records.delivered", "Audit records that the collector took.", |counts| counts.delivered),
    ("auditrail.records.quarantined", "Audit records that the collector refused.", |counts| counts.quarantined),
    ("auditrail.records.suppressed", "Audit records that the policy leaves out.", |counts| counts.suppressed),
    ("auditrail.records.lost", "Audit records that were lost on the disk.", |counts| counts.lost),
];
/// The instrument behind those of [`RECORDS`] that belongs to the equations.
const PENDING: u32 = 7;
/// All of them have had their numbers.
const ALL: u32 = (1 << (PENDING + 1)) - 1;

type WireCount = fn(&WireCounts) -> u64;
const TAPS: [(&str, &str, &str, WireCount); 9] = [
    ("auditrail.mcp.messages", "{message}", "JSON-RPC messages that the taps saw.", |counts| counts.messages),
    ("auditrail.mcp.flawed", "{message}", "What is no JSON-RPC message.", |counts| counts.flawed),
    ("auditrail.mcp.unasked", "{message}", "Answers to nothing that is open.", |counts| counts.unasked),
    ("auditrail.mcp.evicted", "{call}", "Calls that were ended because too many were open.", |counts| counts.evicted),
    ("auditrail.mcp.unread", "{body}", "HTTP bodies that passed unread.", |counts| counts.unread),
    ("auditrail.mcp.replayed", "{message}", "Messages that were sent again after a reconnection.", |wire_counters| {
        wire_counters.replayed
    }),
    (
        "auditrail.mcp.evicted_sessions",
        "{session}",
        "Sessions that were closed because too many were open.",
        |wire_counters| wire_counters.evicted_sessions,
    ),
    ("auditrail.mcp.unjoined", "{message}", "Messages too large to write their span into them.", |counts| {
        counts.unjoined
    }),
    (
        "auditrail.http.turned_away",
        "{request}",
        "Requests answered with 503, for want of connections.",
        |wire_counters| wire_counters.turned_away,
    ),
];
