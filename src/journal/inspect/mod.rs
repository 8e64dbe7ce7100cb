//! Looks at a journal without touching it.

mod check;
mod inspection;
mod problem;
mod stat;
mod untouched;

pub use self::inspection::{Inspection, Owner};
pub use self::problem::{Problem, ProblemKind};
pub use self::stat::{JournalStat, QuarantineStat, StreamStat};
