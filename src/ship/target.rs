//! How notices call the sink.

use std::fmt;
use std::path::PathBuf;

use super::reports::{SINK_AUTHENTICATION, SINK_FILE_FAILED, SINK_UNAVAILABLE, SINK_UNREADABLE};
use super::trouble::Trouble;

/// The destination of a shipper. `Display` has the words of the notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The collector, by its endpoint as it may be shown.
    Collector(String),
    /// A file of OTLP JSON lines.
    File(PathBuf),
    /// Standard error.
    StandardError,
}

impl Target {
    /// The notice about a trouble that begins.
    pub(super) fn trouble(&self, trouble: Trouble, reason: &str) -> String {
        match (self, trouble) {
            (Self::Collector(_), Trouble::Away) => format!(
                "{self} does not take audit records ({reason}); they wait in the journal and go out when it is back"
            ),
            (Self::Collector(_), Trouble::Unauthorized) => format!(
                "{self} refuses the credentials ({reason}); check OTEL_EXPORTER_OTLP_HEADERS and the client certificate of \
                 OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE; until then audit records wait in the journal"
            ),
            (Self::Collector(endpoint), Trouble::Unreadable) => format!(
                "what answers at {endpoint} does not answer as an OTLP collector ({reason}); see whether endpoint and protocol are \
                 right and what stands in between; audit records wait in the journal and are sent again"
            ),
            (Self::File(_) | Self::StandardError, _) => format!(
                "{self} does not take audit records ({reason}); they wait in the journal, and writing is tried again"
            ),
        }
    }

    /// The `error.type` of the alarm record.
    pub(super) const fn error_type(&self, trouble: Trouble) -> &'static str {
        match (self, trouble) {
            (Self::Collector(_), Trouble::Unauthorized) => SINK_AUTHENTICATION,
            (Self::Collector(_), Trouble::Unreadable) => SINK_UNREADABLE,
            (Self::File(_), _) => SINK_FILE_FAILED,
            (Self::Collector(_), Trouble::Away) | (Self::StandardError, _) => SINK_UNAVAILABLE,
        }
    }

    /// How many batches of a stream are in flight. A local sink takes one after the other, so that its lines are in the order
    /// of the stream.
    pub(super) const fn in_flight(&self) -> usize {
        match self {
            Self::Collector(_) => IN_FLIGHT,
            Self::File(_) | Self::StandardError => 1,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collector(endpoint) => write!(f, "the collector at {endpoint}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::StandardError => f.write_str("standard error"),
        }
    }
}

/// Enough to fill a connection while answers are on their way; some megabytes, with the limits of a batch.
pub(super) const IN_FLIGHT: usize = 4;
