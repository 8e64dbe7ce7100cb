//! Bodies of requests: as they arrive from the client, held in memory, and as the server gets them.

mod buffered;
mod outgoing;
mod request;

pub(crate) use self::buffered::{BufferBudget, BufferError, BufferedBody};
pub(crate) use self::outgoing::OutgoingBody;
pub(crate) use self::request::{AllDrained, DrainToken, RequestBody, tracked};
