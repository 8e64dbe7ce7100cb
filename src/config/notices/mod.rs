//! What auditrail reports about itself: rarely, in one line, never with a value of a record.

mod flood;
mod notice;
mod plain;
mod sink;

pub use self::notice::{Notice, NoticeLevel};
#[cfg(feature = "cli")]
pub(crate) use self::plain::{is_hidden, plain};
pub use self::sink::Notices;
