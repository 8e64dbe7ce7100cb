//! The embedded receiver: an OTLP collector in the process, for tests and demonstrations.
//!
//! ```text
//!  OTLP/gRPC ─► receive::grpc ─┐                                          ┌─► Receiver::{records, spans, wait_for, …}
//!                              ├─► receive::intake ─► received::Received ─┤
//!  OTLP/HTTP ─► receive::http ─┘   slices, checks      bounded memory     └─► api: auditrail.v1.TrailService
//! ```
//!
//! - [`receive`](self::receive::Receiver): ports, protocols, limits.
//! - [`received`](self::received::Received): the newest records and spans, as they were received.
//! - [`proto`]: the gRPC read service, client and server.

mod api;
mod error;
pub mod proto;
mod receive;
mod received;

pub use self::error::{ServeError, TailError, WaitError};
pub use self::receive::{Receiver, ReceiverBuilder};
pub use self::received::{Dropped, Received, ReceivedRecord, ReceivedSpan, Snapshot, Subscription};
