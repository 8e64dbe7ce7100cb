//! Writing: from a record to the active segment, and from one segment to the next.

mod roll;
mod store;
mod turn;
mod writer;

pub(super) use self::roll::Carried;
pub(super) use self::store::ALARM_RESERVE;
pub use self::store::{Admission, Append, Receipt, Room};
pub(super) use self::turn::Turn;
pub(super) use self::writer::Job;
