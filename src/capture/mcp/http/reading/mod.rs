//! Reads the messages in one body, whatever its media type, charset and content coding.

mod charset;
mod content;
mod decode;
mod reader;
mod tap;
mod uncoded;
mod unread;

pub(crate) use self::content::{Content, media_type};
pub(crate) use self::reader::Reader;
pub(crate) use self::tap::{BodyEnd, Observer, Tap};
pub(crate) use self::unread::{UnreadCounts, UnreadReason};
