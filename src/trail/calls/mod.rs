//! What a call is: its description before it begins, what its class promises, and its state while it is open.

mod call;
mod data_use;
#[cfg(any(feature = "layer", feature = "mcp"))]
mod denial;
mod digest;
mod facts;
mod hints;
mod mapped;
mod mcp_methods;
mod message;
mod moment;
mod observer;
mod refused;
mod remote_sink;
mod state;
mod transport;
mod treated;

pub use self::call::Call;
pub use self::data_use::{DataUse, Framework, LegalBasis, Sensitivity};
pub use self::digest::{Digest, Pseudonym};
pub use self::hints::ToolHints;
pub use self::moment::Moment;
pub use self::observer::Observer;
pub use self::refused::{RefusalKind, Refused};
pub use self::transport::Transport;
pub use crate::policy::{Acknowledge, Class, WhenFull};
pub use crate::record::Direction;

#[cfg(any(feature = "layer", feature = "mcp"))]
pub(crate) use self::denial::Denial;
pub(crate) use self::facts::Facts;
pub(in crate::trail) use self::mapped::MappedFacts;
pub(crate) use self::mcp_methods::is_of_mcp;
pub(crate) use self::message::MessageFacts;
pub(in crate::trail) use self::message::is_fact;
#[cfg(feature = "layer")]
pub(crate) use self::state::SpanMoment;
pub(crate) use self::state::{CallState, FactsRef};
pub(crate) use self::treated::Treated;
pub(in crate::trail) use self::treated::{Kept, PolicyInForce, RequestHalf, call_facts};
