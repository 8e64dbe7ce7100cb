//! The trail connects policy, record, journal and ship. It is what users hold.
//!
//! Every route of capture opens and finishes its calls here: [`Trail::begin`] before the handler, [`OpenCall::finish`]
//! after it. Therefore no record depends on a subscriber's filter, and a call can be refused, which a `tracing` layer
//! cannot do. `begin` also opens the `tracing` span of the call.

mod builder;
mod calls;
pub(crate) mod core;
mod digest_key;
mod door;
mod drain;
mod handle;
mod hooks;
pub(crate) mod identity;
mod lifecycle;
mod metrics;
mod otel;
mod recording;
mod records;
mod sinks;
mod start_error;
mod timer;
pub(crate) mod wire_counts;

pub use self::builder::TrailBuilder;
pub use self::calls::{
    Acknowledge, Call, Class, DataUse, Digest, Direction, Framework, LegalBasis, Moment, Observer, Pseudonym,
    RefusalKind, Refused, Sensitivity, ToolHints, Transport, WhenFull,
};
pub use self::door::{NotRecorded, OpenCall};
pub use self::drain::{DrainProgress, DrainReport, drain};
pub use self::handle::Trail;
pub use self::hooks::Failure;
pub use self::lifecycle::{DrainedStream, FlushError, Flushed};
pub use self::records::RecordCounts;
pub use self::start_error::StartError;
pub use self::wire_counts::WireCounts;
pub use crate::identity::{Actor, ActorType, RequestFacts};

#[cfg(feature = "internals")]
pub(crate) use self::builder::OF_POLICY;
#[cfg(feature = "tower")]
pub(crate) use self::calls::is_of_mcp;
#[cfg(feature = "layer")]
pub(crate) use self::calls::{CallState, FactsRef, SpanMoment};
#[cfg(feature = "mcp")]
pub(crate) use self::calls::{Content, ContentBody, ContentKeys, ContentPart, DigestForm, MAX_CONTENT, MessageFacts};
#[cfg(any(feature = "layer", feature = "mcp"))]
pub(crate) use self::calls::{Denial, Facts};
#[cfg(any(feature = "layer", feature = "logs", feature = "mcp"))]
pub(crate) use self::core::Core;
#[cfg(feature = "layer")]
pub(crate) use self::core::HoldsCalls;
#[cfg(feature = "mcp")]
pub(crate) use self::core::Pause;
#[cfg(feature = "mcp")]
pub use self::digest_key::{DigestClass, DigestKey};
#[cfg(feature = "mcp")]
pub(crate) use self::door::Opener;
#[cfg(feature = "layer")]
pub(crate) use self::door::announce as opening;
#[cfg(feature = "tower")]
pub(crate) use self::identity::Share;
#[cfg(feature = "mcp")]
pub(crate) use self::identity::{Client, ClientKey, SharedResource};
#[cfg(feature = "layer")]
pub(crate) use self::otel::{CALL_SPAN, HTTP_SPAN, MissingIds, PROBE, Reach, TARGET, Way, attached_by, has_own_ids};
#[cfg(feature = "layer")]
pub(crate) use self::otel::{Marks, at, begin_time as beginning, end as end_span, mark};
#[cfg(any(feature = "serve", feature = "testing"))]
pub(crate) use self::timer::within;
#[cfg(feature = "mcp")]
pub(crate) use self::wire_counts::WireCounter;
pub(crate) use crate::policy::Verdict;
#[cfg(feature = "mcp")]
pub(crate) use crate::policy::{Bounds, MAX_DEFINITION, Truncation, Truncator};
