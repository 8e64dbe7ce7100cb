//! Making durable what was written.

mod commit;
mod wait;

pub use self::wait::NotSynced;
