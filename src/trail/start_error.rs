//! Why a trail does not start.

use std::fmt;

use crate::config::ConfigError;
use crate::journal::JournalError;
use crate::ship::ShipError;

/// The trail did not start; nothing is audited. `Debug` prints the text of `Display`, because `main` prints returned errors with
/// `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A mistake in the configuration.
    #[error("auditrail does not start: {0}")]
    Config(#[from] ConfigError),
    /// The file of the policy. The text says where in it.
    #[error("auditrail does not start: {0}")]
    Policy(String),
    /// The journal.
    #[error("auditrail does not start: {0}")]
    Journal(#[from] JournalError),
    /// The shipper.
    #[error("auditrail does not start: {0}")]
    Ship(#[from] ShipError),
    /// No transport.
    #[error(
        "auditrail does not start: it was built without a transport; enable the feature otlp-grpc or otlp-http, or give the builder a connector"
    )]
    NoConnector,
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
