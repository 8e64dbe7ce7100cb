//! The thread that keeps a journal.

mod fullness;
mod idle;
mod keeper;
mod pages;
mod watch;

pub use self::keeper::Keeper;
