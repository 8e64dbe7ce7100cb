//! Reads the messages in one body, whatever its media type, charset and content coding.

mod body_reader;
mod body_tap;
mod charset;
mod content;
mod decode;
mod uncoded;
mod unread;

pub(crate) use self::body_reader::BodyReader;
pub(crate) use self::body_tap::{BodyEnd, BodyObserver, BodyTap};
pub(crate) use self::content::{Content, media_type};
pub(crate) use self::unread::{UnreadCounts, UnreadReason};
