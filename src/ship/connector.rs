//! The seam to the network.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::config::OtlpSettings;

/// Makes the connection to a sink; a simulation, or another protocol, brings its own.
pub trait Connector: Debug + Send + Sync + 'static {
    /// A connection that connects, and connects again, by itself. Called once, inside the shipper's runtime.
    ///
    /// # Errors
    /// What is wrong with the settings, with the fix.
    fn connect(&self, settings: &OtlpSettings) -> Result<Arc<dyn Sink>, String>;
}

/// Where export requests go. Several are under way at the same time.
pub trait Sink: Debug + Send + Sync {
    /// Sends one `ExportLogsServiceRequest`, encoded, and waits for the answer. A future that is dropped ends the
    /// request; the sink may have it all the same.
    fn export(&self, request: Bytes) -> ExportFuture<'_>;
}

/// The answer to one export request.
pub type ExportFuture<'a> = Pin<Box<dyn Future<Output = Result<Accepted, ExportError>> + Send + 'a>>;

/// The sink took the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Accepted {
    /// Records that it refused for good all the same (OTLP's partial success; such a request must not be sent again).
    pub rejected: u64,
}

impl Accepted {
    /// Taken, but for that many records.
    #[must_use]
    pub fn but(rejected: u64) -> Self {
        Self { rejected }
    }
}

/// The sink did not take the request. Texts are from the sink and for notices; nothing of a record may stand in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Try again, not before the given time if there is one.
    #[error("{reason}")]
    Retry {
        /// What it said.
        reason: String,
        /// How long it wants to be left alone.
        after: Option<Duration>,
    },
    /// It does not know who sends, or does not let them: not the records' fault, so they wait until somebody has acted.
    #[error("{reason}")]
    Unauthorized {
        /// What it said.
        reason: String,
    },
    /// These records are refused for good, or are too many for one request: smaller requests tell, and a single record
    /// is given up.
    #[error("{reason}")]
    Rejected {
        /// What it said.
        reason: String,
    },
    /// It may be these records or the sink itself. It is these records only if the sink takes others meanwhile: then smaller
    /// requests tell, and a single record is given up after many attempts and some minutes.
    #[error("{reason}")]
    Doubtful {
        /// What it said.
        reason: String,
    },
    /// It answered with something that is no answer of OTLP, so that nobody knows what became of the records: they are sent
    /// again, and the sink may have them twice.
    #[error("{reason}")]
    Unreadable {
        /// What is wrong with the answer.
        reason: String,
    },
}

/// What OTLP's partial success says; there are no fewer than no records that a sink can refuse.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn accepted_but(rejected: i64) -> Result<Accepted, ExportError> {
    let unreadable = |_| ExportError::Unreadable { reason: "a partial success of less than no records".into() };
    u64::try_from(rejected).map(Accepted::but).map_err(unreadable)
}

/// What a request that was not answered in time ends with.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn unanswered(timeout: Duration) -> String {
    format!("no answer within {} ms", timeout.as_millis())
}

/// The last cause: what is before it says "transport error". A connection that broke is named as that, as the words of
/// the system differ from one time to the next.
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

/// A connection that was there ended before the answer.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) const BROKEN: &str = "the connection broke";
/// An answer holds a count and a message. A prime, so that in a text of tonic's it is known to be this bound.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) const LONGEST_ANSWER: usize = 65_521;
