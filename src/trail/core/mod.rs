//! What all handles, layers and wrappers of a trail share.

mod adoption_progress;
mod context;
mod delivery;
mod for_capture;
mod open_calls;
#[cfg(feature = "mcp")]
mod pause;
mod policies;
mod policy_source;
#[cfg(feature = "mcp")]
mod shared_facts;
mod targets;
mod trail_core;

pub(in crate::trail) use self::adoption_progress::AdoptionProgress;
pub(in crate::trail) use self::context::CaptureContext;
pub(in crate::trail) use self::delivery::Delivery;
#[cfg(feature = "layer")]
pub(crate) use self::open_calls::HoldsCalls;
pub(in crate::trail) use self::open_calls::{OpenCalls, Registration};
#[cfg(feature = "mcp")]
pub(crate) use self::pause::Pause;
pub(in crate::trail) use self::policies::{Policies, PolicyContext};
pub(in crate::trail) use self::policy_source::PolicySource;
pub use self::trail_core::Core;
