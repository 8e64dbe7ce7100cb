//! From the journal to the collector: batches of raw record bytes, by OTLP, retried until they are taken.
//!
//! Its own thread with its own runtime, so that neither a busy nor a single-threaded runtime of the host can hold it
//! up, and so that nothing of its own HTTP traffic reaches the host's subscriber.
//!
//! ```text
//!  Reader ───► Lane ──► send ×4 ───► Gate ──► Sink ──► collector
//!               │ settles in order     │ one probe while the sink is away
//!  Settler ◄────┴─ quarantine, report ─┘
//! ```
//!
//! Invariants:
//! 1. A batch is settled only after the sink has said that it has every record of it, or after what it refused for good
//!    is in quarantine and reported.
//! 2. Batches are settled in the order of their sequences, whatever the order of the answers.
//! 3. The bytes of a record go out as they are: they are framed, and number and stream are appended, never decoded. That is
//!    done once for a record ([`Shipment`]): every attempt, quarantine and a replay from there have the same bytes.
//! 4. At most four batches of a stream are in memory.
//! 5. While the sink is away, one request at a time asks whether it is back; if the answer may mean its records, another one
//!    asks with a record that the sink has taken before.
//! 6. Only what is read as an answer of OTLP says that the sink has records.
//! 7. A drain that is dropped loses nothing: the next drain of that stream sends again what was not settled.

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
mod otlp;
mod replay;
mod reports;
mod send;
mod shipment;
mod shipper;
mod source;
mod stats;
#[cfg(test)]
mod tests;

#[cfg(all(feature = "tls", any(feature = "layer", feature = "otlp-grpc")))]
pub(crate) use self::client_tls::client_tls;
pub use self::connector::{Accepted, Connector, ExportError, ExportFuture, Sink};
pub use self::delivery::ShipperParts;
pub use self::frame::{Envelope, Stamp, encode_resource, encode_scope};
#[cfg(feature = "otlp-grpc")]
pub use self::grpc::GrpcConnector;
#[cfg(all(feature = "otlp-http", feature = "layer"))]
pub(crate) use self::http::HttpClient;
#[cfg(feature = "otlp-http")]
pub use self::http::HttpConnector;
pub use self::lane::Lane;
pub use self::otlp::OtlpConnector;
pub use self::replay::{Replay, ReplayError};
pub use self::reports::{RefusedRange, Reports};
pub use self::shipment::Shipment;
pub use self::shipper::{ShipError, Shipper};
pub use self::stats::{EXPORT_SECONDS_BOUNDS, ShipStats, StatsSnapshot};
