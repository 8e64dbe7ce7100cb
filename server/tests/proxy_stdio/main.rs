//! `auditrail proxy -- COMMAND`: bytes pass as they are whatever becomes of the audit, ends are those of the server, and what
//! may not go unrecorded does not run. The numbers are those of the invariants in `src/proxy/stdio/mod.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]
#![cfg(unix)]

#[path = "../../../tests/support/agreement.rs"]
mod agreement;
mod bytes;
mod configuration;
mod decisions;
mod ends;
mod expect;
mod jwt;
mod leaks;
#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
#[path = "../../../tests/support/oauth/mod.rs"]
mod oauth;
mod order;
mod orphans;
mod policy;
mod readers;
mod refusals;
mod rig;
mod spans;
mod trace;
mod troubles;
