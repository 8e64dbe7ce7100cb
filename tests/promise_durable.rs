//! What is acknowledged comes back: after `kill -9` what was written, after a power loss what was synced; in order, byte for
//! byte, without a number used twice.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test stops at what it did not expect, and shares modules with others"
)]

mod model;
mod simulated;

#[test]
fn a_random_walk_with_crashes_keeps_every_promise() {
    model::run(1000);
}
