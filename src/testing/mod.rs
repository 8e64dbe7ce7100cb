//! Trails for the tests of your own server: in memory, with assertions about what was audited.
//!
//! A [`TestTrail`] is a [`Trail`](crate::Trail) with your settings, hooks and classes whose journal and whose collector are in
//! memory. Nothing of it is on a network or on the disk, it reads no variable of the environment, and it shares nothing with
//! other trails, so that any number of tests run in parallel, with or without a runtime.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auditrail::testing::TestTrail;
//! use auditrail::{Actor, Call, Decision, Outcome, Trail, assert_audited, assert_not_audited};
//!
//! // What your server builds its trail with, without its start().
//! let builder = Trail::builder("tickets").authorize(|call| match call.name() {
//!     Some("delete_ticket") => Decision::deny("tickets are kept"),
//!     _ => Decision::Allow,
//! });
//! let trail = TestTrail::of(builder);
//!
//! let call = trail.begin(Call::mcp("tools/call").tool("close_ticket").actor(Actor::verified("alice"))).await?;
//! call.finish(Outcome::ok()).await;
//! let refused = trail.begin(Call::mcp("tools/call").tool("delete_ticket")).await;
//! assert!(refused.is_err());
//!
//! assert_audited!(trail, tool = "close_ticket", outcome = success, actor = "alice", verified = true);
//! assert_audited!(trail, tool = "delete_ticket", outcome = failure, detail = denied, decision = deny);
//! assert_not_audited!(trail, actor = "mallory");
//! # Ok(())
//! # }
//! ```
//!
//! # What is counted
//!
//! One call is one entry, although it has two records: the record of its end counts, and its request record only where
//! `phase = request` asks for it. Without `event`, what the trail records about itself (`auditrail.lifecycle`) does not count, and
//! `tool`, `prompt` and `resource` ask for calls: other records name them, too, such as that of a tool's new definition.
//! [`assert_audited!`](crate::assert_audited) wants exactly one entry, or
//! `count = n`, and [`assert_not_audited!`](crate::assert_not_audited) wants none.
//!
//! # Waiting
//!
//! The record of a call's end is written when the call ends, which may be after its client has the answer. So an assertion
//! waits while an open call may still become what it is about, and, if there are too few entries, for further ones, until
//! [`patience`](TestTrail::patience) is over. It waits for records, it never sleeps: an assertion that holds returns at once.
//! Where the server runs on the thread of the test, as under `#[tokio::test]`, an assertion that waits keeps it from going on:
//! await [`TestTrail::settled`] before, or [`TestTrail::wait_for`] for what no answer tells of, such as a notification.
//!
//! # With the routes of capture
//!
//! - `trail.audited(server)`, `trail.mcp_layer()` and everything else that a [`Trail`](crate::Trail) has: a [`TestTrail`]
//!   dereferences to one, and [`TestTrail::trail`] gives a handle to keep.
//! - Annotated spans need a subscriber: [`TestTrail::in_scope`] for code without a runtime, [`TestTrail::set_default`] for the
//!   rest of a test on one thread, and [`TestTrail::subscriber`] for everything else.

mod audit_record;
mod check;
#[doc(hidden)]
pub mod expectation;
mod expected_value;
mod inbox;
mod macros;
mod memory_fs;
mod mismatch;
#[cfg(feature = "layer")]
mod scope;
#[doc(hidden)]
pub mod test_trail;
mod verdict;
#[doc(hidden)]
pub mod words;

pub use self::audit_record::AuditRecord;
pub use self::expectation::Expectation;
pub use self::expected_value::ExpectedValue;
pub use self::mismatch::Mismatch;
pub use self::test_trail::TestTrail;
pub use crate::{assert_audited, assert_not_audited};
