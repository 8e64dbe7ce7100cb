//! The thread that looks after a journal.

mod keeper;

pub use self::keeper::Keeper;
