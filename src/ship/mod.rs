//! From the journal to the collector: batches of raw record bytes, by OTLP, retried until they are taken.
//!
//! Its own thread with its own runtime, so that neither a busy nor a single-threaded runtime of the host can hold it
//! up, and so that nothing of its own HTTP/2 traffic reaches the host's subscriber.
//!
//! Invariants:
//! 1. A batch is settled only after the sink has said that it has it, or after its records were given up and counted.
//! 2. Batches are settled in the order of their positions.
//! 3. The bytes of a record go out as they are: they are framed, never decoded.

mod backoff;
mod connector;
mod deliver;
mod frame;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod shipper;
mod stats;
#[cfg(test)]
mod tests;

pub use self::connector::{Accepted, Connector, ExportError, ExportFuture, Sink};
pub use self::frame::Envelope;
#[cfg(feature = "otlp-grpc")]
pub use self::grpc::GrpcConnector;
#[cfg(feature = "tls")]
pub(crate) use self::grpc::client_tls;
pub use self::shipper::{Cargo, ShipError, Shipper};
pub use self::stats::{ShipStats, StatsSnapshot};
