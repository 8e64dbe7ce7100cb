//! Records get into the journal: who writes them, which are left out when room is short, and what is told of those that are
//! missing.

mod gaps;
mod losses;
mod patience;
mod recorder;
mod refused_gaps;
mod self_reporter;
mod shedding;

pub(in crate::trail) use self::gaps::{Cause, Gaps};
pub(in crate::trail) use self::patience::{END, LOOK_AGAIN, MOMENT, NotTaken};
pub(in crate::trail) use self::recorder::Recorder;
pub(in crate::trail) use self::self_reporter::Scribe;
pub(in crate::trail) use self::shedding::Worth;
