//! The OTel spans of calls: how they are found, when they begin, what is recorded on them, and the warnings if there are none.

#[cfg(feature = "layer")]
pub(crate) mod begin_time;
#[cfg(not(feature = "layer"))]
pub(in crate::trail) mod begin_time;
mod marks;
mod missing_ids;
mod reach;
mod unaudited;

pub(crate) use self::marks::{CALL_SPAN, HTTP_SPAN, Marks, TARGET, end, mark, mirror};
#[cfg(feature = "layer")]
pub(crate) use self::marks::{PROBE, at};
pub(crate) use self::missing_ids::{MissingIds, MissingIdsWarnings};
#[cfg(feature = "layer")]
pub(crate) use self::reach::attached_by;
pub(crate) use self::reach::{Reach, Way, has_own_ids};
pub(crate) use self::unaudited::UnauditedSpans;
