//! Tests against peers: programs of other projects, which `tests/peers/install` installs.
//!
//! If a peer is missing, such a test counts as ignored and names the command that installs it; if `CI` is set, the
//! test fails. libtest does not support this, so these tests are in separate binaries, with `harness = false` in
//! Cargo.toml:
//!
//! ```ignore
//! #[path = "../peers/mod.rs"]
//! mod peers;
//!
//! fn main() -> std::process::ExitCode {
//!     peers::run(vec![trial("python_and_fastmcp", &[Peer::Python, Peer::FastMcp], python_and_fastmcp)])
//! }
//!
//! async fn python_and_fastmcp(peers: Peers) {
//!     Command::new(peers.path(Peer::Python))
//! }
//! ```
//!
//! [`trial_where`] tests for other things that a machine may lack; [`own`] is for a test that needs nothing.
//!
//! Add a test as one more line in the list. A test that is missing there is dead code, which the lints find.

#![allow(
    dead_code,
    unused_imports,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "each test uses a part of it, and asks the environment itself"
)]

mod list;
mod trial;

pub(crate) use self::list::{Peer, Peers};
pub(crate) use self::trial::{own, run, trial, trial_where};
