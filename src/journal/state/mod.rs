//! What an open journal keeps in memory: `shared.rs` is what handles and threads share, `locked.rs` is what its lock guards,
//! and the other files are the parts of that.

mod adoption;
mod appended;
mod calls;
mod commits;
mod copies;
mod jobs;
mod locked;
mod progress;
mod segments;
mod shared;
mod turn;
mod upkeep;

#[cfg(test)]
pub(super) use self::calls::OpenCalls;
pub(super) use self::calls::{Carried, Extent};
pub(super) use self::commits::{Synced, Unsynced};
pub(super) use self::copies::Copies;
pub(super) use self::jobs::{Job, Work};
pub(super) use self::locked::State;
pub(super) use self::progress::Start;
pub(super) use self::segments::{Active, Prepared, Segment, Unmade};
pub(super) use self::shared::{Files, Shared, SinkCursor};
