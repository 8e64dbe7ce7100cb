//! What an audited span allocates on the calling thread, beyond what its trace does. A file of its own, because the
//! allocator is that of the whole process.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "an allocator cannot be counted otherwise; a test stops at a surprise"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::prelude::*;

/// The journal in memory keeps a copy of each record; once in a while its queue grows.
const JOURNAL: f64 = 0.1;

/// The event on the OTel span: its id, its list of attributes, the span's list of events.
const MIRROR: f64 = 3.0;

#[test]
fn an_audited_span_of_twelve_attributes_allocates_only_for_journal_and_mirror() {
    let directory = tempfile::tempdir().unwrap();
    let builder = Trail::builder("bench").directory(directory.path()).environment(Environment::default());
    let trail = builder.connector(Null).start().unwrap();
    let provider = SdkTracerProvider::builder().build();
    macro_rules! otel {
        () => {
            tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"))
        };
    }
    let registry = tracing_subscriber::registry;

    let (plain, audited) = (registry().into(), registry().with(trail.layer()).into());
    let added = each(&audited) - each(&plain);
    assert!(added <= JOURNAL, "without a trace: {added}");

    let (traced, audited) = (registry().with(otel!()).into(), registry().with(trail.layer()).with(otel!()).into());
    let added = each(&audited) - each(&traced);
    assert!(added <= JOURNAL + MIRROR, "with a trace: {added}");
}

/// Allocations of one span, once everything is warm.
fn each(subscriber: &Dispatch) -> f64 {
    const COUNT: u32 = 1000;
    with_default(subscriber, || {
        moments(COUNT);
        let before = ALLOCATIONS.get();
        moments(COUNT);
        f64::from(u32::try_from(ALLOCATIONS.get() - before).unwrap()) / f64::from(COUNT)
    })
}

fn moments(count: u32) {
    for _ in 0..count {
        tracing::info_span!(
            "call",
            auditrail.event = "auditrail.context",
            gen_ai.tool.name = "current_weather",
            audit.actor.id = "alice@example.com",
            audit.actor.type = "user",
            audit.outcome = "success",
            audit.target.type = "city",
            audit.target.id = %"Lisbon",
            user.name = "Alice Example",
            auditrail.tenant.id = "blue",
            auditrail.request.id = "7f9c24e8-3b12-4fef-91e0-56a2d5a5ad41",
            client.port = 50_123,
            http.response.status_code = 200
        )
        .in_scope(|| ());
    }
}

thread_local!(static ALLOCATIONS: Cell<u64> = const { Cell::new(0) });

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: the system's allocator does it; the counter does not allocate and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[derive(Debug, Clone)]
struct Null;

impl Connector for Null {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Null {
    fn export(&self, _: Bytes) -> ExportFuture<'_> {
        Box::pin(async { Ok(Accepted::default()) })
    }
}
