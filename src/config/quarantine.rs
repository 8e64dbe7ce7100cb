//! The size limit of the quarantine, and what happens when it is full.

use super::environment::Environment;
use super::error::ConfigError;
use super::overrides::Overrides;
use super::quarantine_full::QuarantineFull;

/// The size limit of the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineSettings {
    /// The bytes that its files may take on disk (default: 256 MiB).
    pub max_bytes: u64,
    /// What happens when it is full (default: shed).
    pub when_full: QuarantineFull,
}

impl QuarantineSettings {
    pub(super) fn read(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        let (source, bytes) = match overrides.quarantine_max_bytes {
            Some(bytes) => ("quarantine_max_bytes() of the builder", Some(bytes)),
            None => (MAX_BYTES, environment.number(MAX_BYTES, "a number of bytes, such as 268435456")?),
        };
        if let Some(bytes) = bytes.filter(|bytes| *bytes < LEAST_BYTES) {
            let reason = "the quarantine needs space for the records of one request";
            return Err(ConfigError::value(source, &bytes.to_string(), reason, format!("set at least {LEAST_BYTES}")));
        }
        let when_full = match (overrides.quarantine_when_full, environment.text(WHEN_FULL)?) {
            (Some(when_full), _) => when_full,
            (None, None | Some("shed")) => QuarantineFull::Shed,
            (None, Some("refuse")) => QuarantineFull::Refuse,
            (None, Some(_)) => {
                return Err(ConfigError::secret(WHEN_FULL, "it is neither shed nor refuse", "set shed or refuse"));
            }
        };
        Ok(Self { max_bytes: bytes.unwrap_or(DEFAULT_BYTES), when_full })
    }
}

/// Bytes that the files of the quarantine may take.
pub const MAX_BYTES: &str = "AUDITRAIL_QUARANTINE_MAX_BYTES";
/// What happens when they do: `shed` or `refuse`.
pub const WHEN_FULL: &str = "AUDITRAIL_QUARANTINE_WHEN_FULL";

/// A quarter of the journal's limit; files there wait for people.
const DEFAULT_BYTES: u64 = 256 << 20;
/// Some requests of the shipper.
const LEAST_BYTES: u64 = 1 << 20;
