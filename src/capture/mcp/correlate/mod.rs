//! Pairs what is asked with what is answered, in both directions. Messages and closes go in, calls are begun and ended on the
//! trail; nothing here reads, writes, waits or knows a clock.
//!
//! ```text
//! Correlator   one a server: definitions of its tools, its tasks, states of its rounds
//!  └ Session     one a stdio connection or HTTP session: who the client says it is, what the server asks it, counts
//!     └ Exchange   one a stdio connection or HTTP request: what the client asks with it
//! ```
//!
//! Invariants:
//! 1. A request is begun when it is seen, and its call ends once: by its answer, its cancellation, or the close of what it
//!    came over.
//! 2. An answer belongs to a request of the other direction and the same session whose id is the same, or the same but for what
//!    servers make of ids: `1` and `"1"`, and beyond 2⁵³ the nearest double. If it may belong to several, it ends all of them,
//!    and says of none how it ended. The requests of two sessions, or of two directions, never meet, whatever their ids. What is
//!    no message ([`Message::kind`](super::message::Message::kind)) answers nothing.
//! 3. An answer to nothing that is open (late, replayed, made up) is counted, and nothing else: it is nobody's second answer.
//! 4. Memory is bounded by the limits at the end of `pending.rs`, `continuations.rs` and `tools.rs`. What exceeds them ends the
//!    oldest or is forgotten, and is counted.

mod answer;
mod call;
mod continuations;
mod correlator;
mod exchange;
mod garbage;
#[cfg(feature = "rmcp")]
mod handled_call;
mod known;
mod message_origin;
mod noise;
mod odd;
mod outcomes;
mod pace;
mod pending;
mod pending_call;
mod repeated;
mod session;
mod tools;

pub use self::correlator::Correlator;
#[cfg(feature = "internals")]
pub use self::exchange::Unanswered;
pub use self::exchange::{End, Exchange};
#[cfg(feature = "rmcp")]
pub(crate) use self::handled_call::HandledCall;
pub use self::message_origin::MessageOrigin;
#[cfg(feature = "tower")]
pub(crate) use self::outcomes::{disconnected, http_error, unread, unread_request};
#[cfg(feature = "tower")]
pub use self::pace::Pace;
#[cfg(feature = "tower")]
pub(crate) use self::session::Session;
