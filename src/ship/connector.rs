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
    /// It may be these records or the sink itself: smaller requests tell, and a single record is given up only after
    /// some attempts.
    #[error("{reason}")]
    Doubtful {
        /// What it said.
        reason: String,
    },
}

/// What a request that was not answered in time ends with.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn unanswered(timeout: Duration) -> String {
    format!("no answer within {} ms", timeout.as_millis())
}

/// The last cause: what is before it says "transport error".
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
