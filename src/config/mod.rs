//! Configuration: what the code says, `AUDITRAIL_*`, `OTEL_*`, and defaults, in this order of precedence.
//!
//! The environment is read once, at the start. A mistake stops the start with a [`ConfigError`] that names the variable,
//! the value and the fix; nothing ever falls back in silence. Values that may be secrets are never repeated.

mod environment;
mod error;
mod notice;
mod otlp;
mod resource;
mod sampler;
#[cfg(test)]
mod tests;
mod tls;

use std::time::Duration;

pub use self::environment::Environment;
pub use self::error::ConfigError;
pub use self::notice::{Notice, NoticeLevel, Notices};
pub use self::otlp::{Compression, Header, OtlpSettings, Protocol, Signal};
pub use self::resource::ResourceSettings;
pub use self::sampler::SamplerSettings;
pub use self::tls::TlsSettings;

/// What the code says; `None` leaves the word to the environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `service.name`.
    pub service_name: Option<String>,
    /// More resource attributes.
    pub resource: Vec<(String, String)>,
    /// The collector for records and traces.
    pub endpoint: Option<String>,
    /// How much the journal may hold.
    pub journal_max_bytes: Option<usize>,
    /// How long a shutdown may take to ship what is left.
    pub flush_timeout: Option<Duration>,
}

/// The effective settings, checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Who emits.
    pub resource: ResourceSettings,
    /// Where records go.
    pub logs: OtlpSettings,
    /// Where traces go.
    pub traces: OtlpSettings,
    /// Which traces are kept, audited ones apart.
    pub sampler: SamplerSettings,
    /// How many bytes of records the journal may hold.
    pub journal_max_bytes: usize,
    /// How long a shutdown may take to ship what is left.
    pub flush_timeout: Duration,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The first mistake that is found, with its name, value and fix.
    pub fn read(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        environment.check_known(&[JOURNAL_MAX_BYTES, FLUSH_TIMEOUT])?;
        let logs = OtlpSettings::read(Signal::Logs, overrides, environment)?;
        let traces = OtlpSettings::read(Signal::Traces, overrides, environment)?;
        tls::check_used([&logs.tls, &traces.tls], environment)?;
        Ok(Self {
            resource: ResourceSettings::read(overrides, environment)?,
            logs,
            traces,
            sampler: SamplerSettings::read(environment)?,
            journal_max_bytes: journal_max_bytes(overrides, environment)?,
            flush_timeout: match overrides.flush_timeout {
                Some(timeout) => timeout,
                None => environment.millis(FLUSH_TIMEOUT)?.unwrap_or(DEFAULT_FLUSH_TIMEOUT),
            },
        })
    }
}

fn journal_max_bytes(overrides: &Overrides, environment: &Environment) -> Result<usize, ConfigError> {
    let (source, bytes) = match overrides.journal_max_bytes {
        Some(bytes) => ("journal_max_bytes() of the builder", Some(bytes)),
        None => (JOURNAL_MAX_BYTES, environment.number(JOURNAL_MAX_BYTES, "a number of bytes, such as 67108864")?),
    };
    match bytes {
        Some(bytes) if bytes < LEAST_JOURNAL_BYTES => Err(ConfigError::value(
            source,
            &bytes.to_string(),
            "hardly a record would fit",
            format!("set at least {LEAST_JOURNAL_BYTES}"),
        )),
        bytes => Ok(bytes.unwrap_or(DEFAULT_JOURNAL_MAX_BYTES)),
    }
}

/// Bytes of records that the journal may hold.
pub const JOURNAL_MAX_BYTES: &str = "AUDITRAIL_JOURNAL_MAX_BYTES";
/// Milliseconds that a shutdown may take.
pub const FLUSH_TIMEOUT: &str = "AUDITRAIL_FLUSH_TIMEOUT";

/// About 90 000 records of 700 bytes: several minutes of a collector's restart for a busy server, and little memory.
const DEFAULT_JOURNAL_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Some records of the usual size, and the gap record.
const LEAST_JOURNAL_BYTES: usize = 16 * 1024;
/// MCP clients close stdin, wait 2 s, send SIGTERM, wait 2 s, and kill: stay well below 2 s.
const DEFAULT_FLUSH_TIMEOUT: Duration = Duration::from_millis(1200);
