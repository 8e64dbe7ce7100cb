//! Tokens on calls: a real OAuth set-up on loopback, and what the embedded receiver got of each call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

mod facts;
mod keys;
mod kubernetes;
#[path = "../support/oauth/mod.rs"]
mod oauth;
mod rig;
mod routes;
#[path = "../suite/server.rs"]
mod server;
