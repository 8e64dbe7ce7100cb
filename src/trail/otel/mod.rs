//! The OTel spans of calls: how they are found, when they begin, what is recorded on them, and the warnings if there are none.

#[cfg(feature = "layer")]
pub(crate) mod begin_time;
#[cfg(not(feature = "layer"))]
pub(in crate::trail) mod begin_time;
mod marks;
mod missing_ids;
mod reach;
mod unaudited;

pub(crate) use self::marks::{Marks, PROBE, TARGET, at, end, mark, mirror};
pub(crate) use self::missing_ids::{MissingIds, MissingIdsWarnings};
pub(crate) use self::reach::{Reach, Way, attached_by, has_own_ids};
pub(in crate::trail) use self::unaudited::UnauditedSpans;
