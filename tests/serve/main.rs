//! The embedded receiver, over real connections on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

mod grpc;
mod http;
mod start_stop;
mod support;
mod trail;
