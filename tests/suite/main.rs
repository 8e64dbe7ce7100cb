//! The library's promises, on one machine, without programs of other projects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect"
)]

mod any_executor;
mod callers;
mod content;
mod correlator;
mod correlator_ids;
mod correlator_properties;
mod crowd_of_events;
mod decided;
mod decisions;
mod decisions_http;
mod definitions;
mod delivery;
mod digests;
mod durable_events;
mod error_types;
mod events;
mod events_in_calls;
mod examples;
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
#[path = "../support/faulty_fs.rs"]
mod faulty_fs;
mod filters;
mod forwarded;
mod identity;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/late_keys.rs"]
mod late_keys;
mod layer_ends;
mod layer_ids;
mod layer_nesting;
mod layer_outcomes;
mod layer_reach;
mod layer_records;
mod log_processor;
mod nameless;
mod pages;
mod policy;
mod reexports;
mod seen;
mod server;
mod sinks;
mod span_facts;
#[allow(dead_code, reason = "other tests use the rest")]
mod support;
mod tapped;
mod testing;
mod turns;
mod typed_events;
mod unreadable;
mod verified_actors;
mod wrapper;
