//! The thread that looks after a journal.

mod fullness;
mod idle;
mod keeper;
mod pages;
mod watch;

pub use self::keeper::Keeper;
