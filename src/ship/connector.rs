//! The seam to the network.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::config::OtlpSettings;

/// Makes the connection to a sink; a simulation, or another protocol, brings its own.
pub trait Connector: Debug + Send + Sync + 'static {
    /// A connection that connects, and connects again, by itself. Called once, inside the shipper's runtime.
    ///
    /// # Errors
    /// What is wrong with the settings, with the fix.
    fn connect(&self, settings: &OtlpSettings) -> Result<Box<dyn Sink>, String>;
}

/// Where export requests go.
pub trait Sink: Debug + Send {
    /// Sends one `ExportLogsServiceRequest`, encoded, and waits for the answer.
    fn export(&mut self, request: Bytes) -> ExportFuture<'_>;
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
    /// These records are refused for good.
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
