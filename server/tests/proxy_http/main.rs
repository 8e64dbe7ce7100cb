//! The HTTP proxy: what goes in comes out, byte by byte, and is recorded.
//!
//! The client and the server are raw TCP, so that nothing in between has an opinion of its own about HTTP. The numbers in
//! the names of tests are those of the invariants in `src/proxy/http/mod.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

#[path = "../../../tests/support/agreement.rs"]
mod agreement;
mod audit;
mod bytes;
mod carriers;
mod certificates;
mod command;
mod decisions;
mod digests;
mod elsewhere;
mod eras;
mod forward;
mod heads;
mod held;
mod jwt;
mod late;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/support/late_keys.rs"]
mod late_keys;
mod lifecycle;
mod message;
#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
#[path = "../../../tests/support/oauth/mod.rs"]
mod oauth;
mod origins;
mod passages;
mod readers;
mod request_ids;
mod rig;
mod room;
mod spans;
mod streams;
mod targets;
mod trace;
mod unanswered;
mod verified_actors;
mod versions;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/suite/support.rs"]
mod support;
