//! Pairs requests with answers, in both directions. Messages and closes go in, and it begins and ends calls on the
//! trail. Nothing here does I/O, waits or reads a clock.
//!
//! ```text
//! Correlator   one per server: definitions of its tools, its tasks, states of its rounds
//!  └ Session     one per stdio connection or HTTP session: the client's claims, the server's requests, counts
//!     └ Exchange   one per stdio connection or HTTP request: the client's requests
//! ```
//!
//! Invariants:
//! 1. A request begins when it is seen, and its call ends once: with its answer, its cancellation, or the close of
//!    its transport.
//! 2. An answer belongs to a request of the other direction and of its session whose id is equal, or equal except for
//!    what servers do to ids: `1` and `"1"`, and beyond 2⁵³ the nearest double. If it may belong to several requests,
//!    it ends all of them without an outcome. Requests of two sessions, or of two directions, are never confused,
//!    whatever their ids. Anything that is not a message ([`Message::kind`](super::message::Message::kind)) answers
//!    nothing.
//! 3. An answer without an open request (late, replayed, invented) is only counted: no call gets a second answer.
//! 4. Memory is bounded by the limits at the end of `pending.rs`, `continuations.rs` and `tools.rs`. Beyond them the
//!    oldest entry is ended or forgotten, and counted.

mod answer;
mod call;
mod common_facts;
mod continuations;
mod correlator;
mod doubts;
mod exchange;
mod garbage_counter;
mod garbage_limit;
mod garbage_rate;
#[cfg(feature = "rmcp")]
mod handled_call;
mod message_origin;
mod outcomes;
mod pending;
mod pending_call;
mod refusals;
mod session;
mod session_facts;
mod tools;

pub use self::correlator::Correlator;
#[cfg(feature = "internals")]
pub use self::exchange::UnansweredRequest;
pub use self::exchange::{Exchange, ExchangeEnd};
#[cfg(feature = "tower")]
pub use self::garbage_rate::GarbageRate;
#[cfg(feature = "rmcp")]
pub(crate) use self::handled_call::HandledCall;
pub use self::message_origin::MessageOrigin;
#[cfg(feature = "tower")]
pub(crate) use self::outcomes::{disconnected, http_error, unread, unread_request};
#[cfg(feature = "tower")]
pub(crate) use self::session::Session;
