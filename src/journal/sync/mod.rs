//! Makes what was written durable.

mod commit;
mod mark;
mod rewrite;
mod wait;

pub use self::wait::NotSynced;
