//! What a call is: what capture describes before it begins, what its class promises, and its state while it is open.

mod call;
mod class;
mod mcp_methods;
mod refused;
mod state;

pub use self::call::{Call, Direction, Moment, Transport};
pub use self::class::{Acknowledge, Class, WhenFull};
pub use self::refused::{Because, Refused};

pub(in crate::trail) use self::call::is_fact;
pub(crate) use self::mcp_methods::is_of_mcp;
pub(crate) use self::state::{CallState, Facts, FactsRef, SpanMoment};
