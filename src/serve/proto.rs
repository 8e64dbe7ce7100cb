//! `auditrail.v1`: the messages of `proto/auditrail/v1/trail.proto` and the service's client and server.
//!
//! Generated and committed, so that a build needs no protocol buffer compiler. A test compares it with the `.proto`
//! and, with `REGENERATE=1`, writes it again.

#![allow(
    clippy::doc_markdown,
    clippy::pedantic,
    clippy::unwrap_used,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "generated code; the documentation of messages and methods comes from the .proto"
)]

include!("generated/auditrail.v1.rs");
