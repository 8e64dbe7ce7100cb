//! The trail: wires policy, record, journal and ship, and is what users hold.
//!
//! A call is opened and finished here, whoever captured it: [`Trail::begin`] before the handler, [`OpenCall::finish`]
//! after it. So a record never depends on a subscriber's filter, and a call can be refused, which a `tracing` layer
//! cannot do. `begin` also opens the `tracing` span of the call.

mod actor;
mod adoption;
#[cfg(feature = "layer")]
pub(crate) mod beginning;
#[cfg(not(feature = "layer"))]
mod beginning;
#[cfg(feature = "proxy")]
mod bounds;
mod builder;
mod call;
mod class;
mod clients;
mod context;
mod core;
mod counts;
mod digest_key;
mod door;
mod drain;
mod ending;
mod flushed;
mod gap;
mod gone;
mod guarantee;
mod halves;
mod handle;
mod hooks;
mod idless;
mod left_out;
mod metrics;
mod open_call;
#[cfg(feature = "mcp")]
mod pause;
mod reach;
mod recorder;
mod refused;
mod refused_gaps;
mod scribe;
mod shared;
mod shedding;
mod span;
mod standing;
mod state;
mod timer;
mod told;
mod unanswered;
mod watch;
mod wire_counts;

pub use self::actor::{Actor, ActorType, RequestFacts};
pub use self::adoption::Drained;
pub use self::builder::{StartError, TrailBuilder};
pub use self::call::{Call, Direction, Moment, Transport};
pub use self::class::{Acknowledge, Class, WhenFull};
pub use self::counts::Counts;
pub use self::drain::{DrainProgress, DrainReport, drain};
pub use self::flushed::{FlushError, Flushed};
pub use self::handle::Trail;
pub use self::hooks::Failure;
pub use self::open_call::OpenCall;
pub use self::refused::{Because, Refused};
pub use self::wire_counts::WireCounts;

#[cfg(feature = "tower")]
pub(crate) use self::clients::Taken;
#[cfg(feature = "mcp")]
pub(crate) use self::clients::{Client, ClientKey, Shared};
pub(crate) use self::core::Core;
pub(crate) use self::idless::Idless;
#[cfg(feature = "mcp")]
pub(crate) use self::open_call::Opener;
#[cfg(feature = "mcp")]
pub(crate) use self::pause::Pause;
pub(crate) use self::reach::{Reach, Way, attached_by, has_own_ids};
#[cfg(feature = "tower")]
pub(crate) use self::span::is_of_mcp;
#[cfg(feature = "layer")]
pub(crate) use self::span::{Marks, at, end as end_span, mark};
pub(crate) use self::span::{PROBE, TARGET, opening};
pub(crate) use self::state::{CallState, Facts, KnownFacts, SpanMoment};
#[cfg(feature = "serve")]
pub(crate) use self::timer::within;
#[cfg(feature = "layer")]
pub(crate) use self::unanswered::KeepsCalls;
pub(crate) use self::wire_counts::Counted;
#[cfg(feature = "mcp")]
pub(crate) use crate::policy::Bounds;
