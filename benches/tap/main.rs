//! The cost of a tap, compared with the streams and the server without it, in one run.
//!
//! - `message`: a request of 1 kB in and its answer of 1 kB out, thread CPU and time that passes; a call, so two records.
//! - `size`: requests of 1 kB to 3 MB: the cost of a byte, and what is allocated for it; without digests of content and with them.
//! - `round trip`: calls of a real rmcp client to a real rmcp server over a pipe in memory.
//!
//! The subscriber is that of a user: OTel traces, and auditrail's layer inside them. Candidates take turns and medians are
//! compared, so that a machine that slows down slows both.
//!
//! `cargo bench --bench tap` (half a minute); `-- --quick` only shows that it runs.
//!
//! Firecracker VM, 2 cores, 24 GB, virtio disk with ext4, Linux 6.18, rustc 1.95, 2026-11-22, load 6:
//!
//! | | |
//! |---|---|
//! | a message of 1 kB, its record written | p50 7.0 µs, p99 58 µs; thread CPU 6.9 µs |
//! | each further byte of a message | 0.2 to 0.4 ns, 1 kB to 3 MB |
//! | digests of arguments and results, in addition (2026-12-01, load 10, without a subscriber) | a call with 1 kB each way 11 µs; each further byte 2.3 ns up to 64 KiB, 0.6 ns of what is longer |
//! | a call of an rmcp client, which takes 44.3 µs | p50 + 17.4 µs with the tap, + 18.3 µs with tap and wrapper |

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench prints and stops at a surprise"
)]

mod round_trip;
#[path = "../journal/samples.rs"]
#[allow(dead_code, reason = "other benches use the rest")]
mod samples;
mod streams;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::config::Environment;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use self::samples::{Null, paired, quantile, taking_turns, thread_cpu};
use self::streams::{Conversation, line};

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let user = User::new(false);
    message(&user, if quick { 3 } else { 41 });
    size(&user, "", if quick { 1 } else { 9 });
    let digesting = User::new(true);
    size(&digesting, "with digests, ", if quick { 1 } else { 9 });
    round_trip::run(&user, if quick { 50 } else { 4000 });
    assert_eq!(
        user.trail.counts().refused + digesting.trail.counts().refused,
        0,
        "a full journal would have flattered us"
    );
}

/// Whose process it is: a trail and a subscriber.
pub(crate) struct User {
    pub(crate) trail: Trail,
    pub(crate) subscriber: Dispatch,
    _directory: tempfile::TempDir,
    _tracers: SdkTracerProvider,
}

impl User {
    /// With digests of arguments and results, or without.
    fn new(digests: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let trail = Trail::builder("bench")
            .directory(directory.path())
            .environment(Environment::default())
            .connector(Null::Takes)
            .record_digests(digests)
            .start()
            .expect("no mistake");
        let tracers = SdkTracerProvider::builder().with_batch_exporter(streams::NoSpans).build();
        let otel = tracing_opentelemetry::layer().with_tracer(tracers.tracer("bench"));
        let subscriber = tracing_subscriber::registry()
            .with(trail.layer().with_filter(LevelFilter::INFO))
            .with(otel.with_filter(LevelFilter::INFO))
            .into();
        Self { trail, subscriber, _directory: directory, _tracers: tracers }
    }

    pub(crate) fn settle(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.trail.flush(Duration::from_secs(60))).expect("the null sink takes everything");
    }
}

fn message(user: &User, samples: usize) {
    let plain = RefCell::new(Conversation::plain(line(1024)));
    let tapped = RefCell::new(Conversation::tapped(&user.trail, line(1024)));
    let cpu = |conversation: &RefCell<Conversation>| {
        with_default(&user.subscriber, || {
            let begun = thread_cpu();
            (0..BURST).for_each(|_| conversation.borrow_mut().exchange());
            (thread_cpu() - begun).as_secs_f64() * 1e9 / f64::from(BURST) / 2.0
        })
    };
    let [without, with] = paired(
        samples,
        [&|| cpu(&plain), &|| {
            let cost = cpu(&tapped);
            user.settle();
            cost
        }],
    );
    println!(
        "message of 1 kB, thread CPU         plain {without:7.0} ns   tapped {with:7.0} ns   the tap {:7.0} ns",
        with - without
    );

    let mut all = Vec::new();
    let [_, _] = taking_turns(samples, [&|| cpu(&plain), &|| cpu(&tapped)]);
    with_default(&user.subscriber, || {
        for _ in 0..samples * 100 {
            let begun = Instant::now();
            tapped.borrow_mut().exchange();
            all.push(begun.elapsed().as_secs_f64() * 1e9 / 2.0);
        }
    });
    println!(
        "message of 1 kB, time that passes   p50 {:.2} us   p99 {:.2} us   (must be at most 10 us p50)",
        quantile(&mut all, 0.5) / 1e3,
        quantile(&mut all, 0.99) / 1e3
    );
    user.settle();
}

fn size(user: &User, how: &str, samples: usize) {
    let mut smallest = 0.0;
    for length in [1 << 10, 10 << 10, 100 << 10, 1 << 20, 3 << 20] {
        let plain = RefCell::new(Conversation::plain(line(length)));
        let tapped = RefCell::new(Conversation::tapped(&user.trail, line(length)));
        let rounds = (8 << 20) / length;
        let cpu = |conversation: &RefCell<Conversation>| {
            with_default(&user.subscriber, || {
                let begun = thread_cpu();
                (0..rounds).for_each(|_| conversation.borrow_mut().exchange());
                (thread_cpu() - begun).as_secs_f64() * 1e9 / samples::number(rounds)
            })
        };
        let [without, with] = paired(samples, [&|| cpu(&plain), &|| cpu(&tapped)]);
        user.settle();
        let added = with - without;
        if length == 1 << 10 {
            smallest = added;
        }
        println!(
            "{how}request of {length:8} bytes          plain {without:9.0} ns   the tap adds {added:9.0} ns   {:.3} ns for each further byte",
            (added - smallest) / samples::number(length)
        );
    }
}

const BURST: u32 = 200;
