//! Making durable what was written.

mod commit;
mod mark;
mod rewrite;
mod wait;

pub use self::wait::NotSynced;
