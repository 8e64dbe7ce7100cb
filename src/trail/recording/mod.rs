//! Writes records to the journal, leaves out some when room is short, and reports those that are missing.

mod gaps;
mod host_log;
mod losses;
mod patience;
mod recorder;
mod refused_gaps;
mod self_reporter;
mod shedding;
mod suppressed;

pub(in crate::trail) use self::gaps::{Cause, Gaps};
pub(in crate::trail) use self::host_log::HostLog;
pub(in crate::trail) use self::patience::{BLOCKING_PATIENCE, NotTaken, RETRY_INTERVAL, SHUTDOWN_PATIENCE};
pub(in crate::trail) use self::recorder::Recorder;
pub(in crate::trail) use self::self_reporter::SelfReporter;
pub(in crate::trail) use self::shedding::Priority;
pub(in crate::trail) use self::suppressed::{LeftOutBy, Suppressed};
