//! Tests against programs that we did not write: peers, as `tests/peers/install` brings them.
//!
//! Where a peer is missing, such a test counts as ignored, and says what brings it; with `CI` set it fails. libtest knows no
//! way for a test to say that, so these tests stand in binaries of their own, with `harness = false` in Cargo.toml:
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
//! What else a machine may lack is asked for by [`trial_where`], and a test that needs nothing is one of [`own`].
//!
//! A further test is one more line in the list. One that is missing there is dead code, which the lints find.

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
