//! Ships records from the journal to the sinks: batches of encoded records, by OTLP to the collector, as OTLP JSON lines to a
//! file or standard error, retried until they are accepted.
//!
//! The shipper has its own thread and runtime, so that neither a busy nor a single-threaded runtime of the host can
//! hold it up, and none of its own HTTP traffic reaches the host's subscriber.
//!
//! ```text
//!  Reader ───► Lane ──► send ×4 ───► Gate ──► Sink ──► collector
//!               │ settles in order     │ one probe while the sink is away
//!  Settler ◄────┴─ quarantine, report ─┘
//! ```
//!
//! The sinks of this machine, a file and standard error, have a shipper each, with the same path (`local/`).
//!
//! Invariants:
//! 1. A batch is settled only after the sink has confirmed every record of it, or after the records that it refused
//!    for good are quarantined and reported.
//! 2. Batches are settled in the order of their sequence numbers, whatever the order of the answers.
//! 3. The bytes of a record are sent unchanged: they are framed, number and stream are appended, and they are never
//!    decoded. This happens once per record ([`Shipment`]), so every attempt, the quarantine and a replay from it
//!    have those bytes.
//! 4. At most four batches of a stream are in memory, one for a local sink.
//! 5. While the sink is away, one request at a time probes it. If an answer may be about its records, another probe
//!    sends a record that the sink has accepted before.
//! 6. Only a readable OTLP answer confirms that the sink has records.
//! 7. Dropping a drain loses nothing: the next drain of that stream sends again what was not settled.

mod backoff;
#[cfg(all(feature = "tls", any(feature = "layer", feature = "otlp-grpc")))]
mod client_tls;
mod connector;
mod delivery;
mod drain_adopted;
mod frame;
mod gate;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
mod hurry;
mod lane;
mod local;
mod otlp;
mod replay;
mod reports;
mod send;
mod ship_error;
mod shipment;
mod shipper;
mod source;
mod stats;
mod target;
#[cfg(test)]
mod tests;
mod trouble;

#[cfg(all(feature = "tls", any(feature = "layer", feature = "otlp-grpc")))]
pub(crate) use self::client_tls::client_tls;
pub use self::connector::{Accepted, Connector, ExportError, ExportFuture, Sink};
pub(crate) use self::delivery::ShipperContext;
pub use self::delivery::ShipperParts;
pub use self::frame::{Envelope, Stamp, encode_resource, encode_scope};
#[cfg(feature = "otlp-grpc")]
pub use self::grpc::GrpcConnector;
#[cfg(all(feature = "otlp-http", feature = "layer"))]
pub(crate) use self::http::HttpClient;
#[cfg(feature = "otlp-http")]
pub use self::http::HttpConnector;
pub use self::lane::Lane;
pub(crate) use self::local::LocalSink;
#[cfg(feature = "internals")]
pub use self::local::json_lines;
pub use self::otlp::OtlpConnector;
pub use self::replay::{Replay, ReplayError};
pub use self::reports::{RefusedRange, Reports};
pub use self::ship_error::ShipError;
pub use self::shipment::Shipment;
pub use self::shipper::Shipper;
pub use self::stats::{EXPORT_SECONDS_BOUNDS, ShipStats, StatsSnapshot};
