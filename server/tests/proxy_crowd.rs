//! Slow readers behind the HTTP proxy, in a process of their own, because it is its memory that is looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect"
)]

#[path = "proxy_http/crowd.rs"]
mod crowd;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "proxy_http/message.rs"]
mod message;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "proxy_http/rig.rs"]
mod rig;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../tests/suite/support.rs"]
mod support;
