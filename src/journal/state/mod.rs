//! What an open journal keeps in memory.

mod calls;
mod copies;
mod locked;
mod shared;

pub use self::calls::CallNumber;
pub(super) use self::calls::{OpenCalls, RequestPlace};
pub(super) use self::copies::Copies;
pub(super) use self::locked::{Active, Group, Position, Prepared, Segment, State, Synced, Unmade, Unsynced};
pub(super) use self::shared::Shared;
