//! The seam to the network.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::config::OtlpSettings;

/// Creates the connection to a sink. Implement it for another protocol, or for a simulated network.
pub trait Connector: Debug + Send + Sync + 'static {
    /// Creates a connection that connects and reconnects on its own. Called once, inside the shipper's runtime.
    ///
    /// # Errors
    /// A text that says what is wrong with the settings, and the fix.
    fn connect(&self, settings: &OtlpSettings) -> Result<Arc<dyn Sink>, String>;
}

/// The destination of export requests. Several requests are in flight at one time.
pub trait Sink: Debug + Send + Sync {
    /// Sends one encoded `ExportLogsServiceRequest` and waits for the answer. Dropping the future ends the request;
    /// the sink may still have received it.
    fn export(&self, request: Bytes) -> ExportFuture<'_>;
}

/// The answer to one export request.
pub type ExportFuture<'a> = Pin<Box<dyn Future<Output = Result<Accepted, ExportError>> + Send + 'a>>;

/// The sink accepted the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Accepted {
    /// The number of records that the sink refused for good (OTLP's partial success; such a request must not be sent
    /// again).
    pub rejected: u64,
}

impl Accepted {
    /// Accepted, except for `rejected` records.
    #[must_use]
    pub fn but(rejected: u64) -> Self {
        Self { rejected }
    }
}

/// The sink did not accept the request. The texts come from the sink and are used in notices, so they must not
/// contain data of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Retry, not before the given delay if there is one.
    #[error("{reason}")]
    Retry {
        /// What the sink answered.
        reason: String,
        /// The delay that the sink asks for.
        after: Option<Duration>,
    },
    /// The sink does not accept the credentials. This is not the records' fault, so they wait until an operator acts.
    #[error("{reason}")]
    Unauthorized {
        /// What the sink answered.
        reason: String,
    },
    /// The sink refuses these records for good, or they are too many for one request. The shipper sends smaller
    /// requests to find out, and gives up a record that is refused alone.
    #[error("{reason}")]
    Rejected {
        /// What the sink answered.
        reason: String,
    },
    /// Either these records or the sink itself is at fault. It is the records only if the sink accepts others in the
    /// meantime: then the shipper sends smaller requests, and gives up a single record after many attempts and some
    /// minutes.
    #[error("{reason}")]
    Doubtful {
        /// What the sink answered.
        reason: String,
    },
    /// The answer is not OTLP, so it is unknown whether the sink stored the records. They are sent again, and the
    /// sink may have them twice.
    #[error("{reason}")]
    Unreadable {
        /// What is wrong with the answer.
        reason: String,
    },
}

/// The result of OTLP's partial success. A negative number of refused records is unreadable.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn accepted_but(rejected: i64) -> Result<Accepted, ExportError> {
    let unreadable =
        |_| ExportError::Unreadable { reason: "a partial success with a negative number of records".into() };
    u64::try_from(rejected).map(Accepted::but).map_err(unreadable)
}

/// The error text of a request that was not answered in time.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn unanswered(timeout: Duration) -> String {
    format!("no answer within {} ms", timeout.as_millis())
}

/// The innermost cause: the outer ones only say "transport error". A broken connection always gets one text, because
/// the system's wording varies.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};

    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
        Some(BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof) => {
            format!("{BROKEN}: {cause}")
        }
        _ => cause.to_string(),
    }
}

/// An established connection ended before the answer.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) const BROKEN: &str = "the connection broke";
/// The size limit of an answer, which has only a count and a message. It is a prime, so that it can be recognized in
/// an error text of tonic's.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) const LONGEST_ANSWER: usize = 65_521;
