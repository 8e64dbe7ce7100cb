//! Writes records: into the active segment, and from one segment to the next.
//!
//! ```text
//!  Journal::append ─► store ── has room ──► active segment
//!                       │                        ▲
//!                       └ no room, or a risk     │
//!                           ▼                    │
//!                         writer ─► room ─► roll ─► begin   header, carried frames
//!                                     └──► prepare          the next file, with its space
//! ```

mod admission;
mod begin;
mod carry;
mod prepare;
mod roll;
mod room;
mod store;
mod turn;
mod writer;

pub use self::admission::Admission;
