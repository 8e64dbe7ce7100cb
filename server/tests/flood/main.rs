//! A client sends far too much: the cost is bounded by the received bytes, and other clients do not bear it.
//!
//! The proxy is a process of its own, so that it is its memory that is looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect"
)]

mod bounds;
mod child;
mod garbage;
mod journal;
mod memory;
mod shares;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../proxy_http/message.rs"]
mod message;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../proxy_http/rig.rs"]
mod rig;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/suite/support.rs"]
mod support;

fn batch(count: u64, element: impl Fn(u64) -> String) -> String {
    let elements: Vec<_> = (0..count).map(element).collect();
    format!("[{}]", elements.join(","))
}
