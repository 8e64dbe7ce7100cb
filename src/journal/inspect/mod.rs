//! Inspects a journal without changing it, even while its processes run: for people, and for `auditrail journal`.
//!
//! Invariants:
//! 1. No file is opened for writing, created, truncated or removed, and no rights are changed.
//! 2. To find out whether an owner lives, an inspection tries a shared lock and releases it at once, under the lock of the
//!    directory. A process that opens or adopts a stream never finds it locked by an inspection.
//! 3. What an owner appends or settles in the meantime is not a problem: an apparent problem in a living stream is read
//!    again.

mod check;
mod follower;
mod inspection;
mod problem;
mod stat;
mod stream_check;
mod untouched;

pub use self::follower::{FollowedRecord, StreamFollower};
pub use self::inspection::{Inspection, Owner};
pub use self::problem::{Problem, ProblemKind};
pub use self::stat::{JournalStat, QuarantineStat, SinkStat, StreamStat};
