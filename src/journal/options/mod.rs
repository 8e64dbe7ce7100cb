//! The options of a journal, and the watcher that receives its events.

mod in_hand;
mod journal;
mod quarantine;
mod sinks;
mod watcher;

pub(super) use self::in_hand::GivesRoom;
pub(super) use self::journal::LEAST_SEGMENT_BYTES;
pub(crate) use self::journal::LOCK_PATIENCE;
pub use self::journal::{DEFAULT_MAX_BYTES, JournalOptions, LEAST_MAX_BYTES};
pub(super) use self::quarantine::Counted;
pub use self::quarantine::QuarantineBound;
pub use self::sinks::Sinks;
pub use self::watcher::{Event, Unwatched, Watcher};
