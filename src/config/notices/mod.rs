//! What auditrail reports about itself: rarely, in one line, never with a value of a record.

mod flood;
mod notice;
pub(crate) mod plain;
mod sink;

pub use self::notice::{Notice, NoticeLevel};
pub use self::sink::Notices;
