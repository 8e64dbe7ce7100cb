//! Writing: from a record to the active segment, and from one segment to the next.

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
