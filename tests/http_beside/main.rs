//! HTTP beside MCP, by what a collector got: requests of ordinary services, request ids, and one trace from a tool call to the
//! request that its handler makes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

mod ids;
mod internal_call;
mod requests;
mod rig;
#[path = "../suite/support.rs"]
mod support;
mod targets;
