//! Configuration: what the code says, `AUDITRAIL_*`, `OTEL_*`, and defaults, in this order of precedence.
//!
//! The environment is read once, at the start. A mistake stops the start with a [`ConfigError`] that names the variable,
//! the value and the fix; nothing ever falls back in silence. Values that may be secrets are never repeated. What the OTel
//! specification wants ignored with a warning, such as an unknown sampler, is told by [`Warnings`] and counts as unset.

#[cfg(feature = "proxy")]
mod address;
mod directory;
#[cfg(any(feature = "cli", feature = "proxy"))]
mod duration;
mod environment;
mod error;
#[cfg(feature = "proxy")]
pub mod file;
mod flood;
mod injected;
mod notice;
mod otlp;
mod plain;
mod quarantine;
mod regular;
mod resource;
mod sampler;
#[cfg(test)]
mod tests;
mod tls;
mod warnings;
mod without;

use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "proxy")]
pub(crate) use self::address::address;
#[cfg(feature = "cli")]
pub(crate) use self::directory::earlier_state_directory;
pub use self::directory::{DIRECTORY, state_directory};
#[cfg(any(feature = "cli", feature = "proxy"))]
pub(crate) use self::duration::duration;
pub use self::environment::Environment;
pub use self::error::ConfigError;
pub use self::notice::{Notice, NoticeLevel, Notices};
#[cfg(feature = "cli")]
pub(crate) use self::otlp::ENDPOINT_METHOD;
pub use self::otlp::{Compression, Header, OtlpSettings, Protocol, Signal};
#[cfg(feature = "cli")]
pub(crate) use self::plain::{is_hidden, plain};
pub use self::quarantine::{QuarantineFull, QuarantineSettings};
#[cfg(all(feature = "proxy", feature = "tls"))]
pub(crate) use self::regular::read as read_regular;
pub use self::resource::ResourceSettings;
#[cfg(all(feature = "cli", feature = "proxy"))]
pub(crate) use self::resource::service_name_of;
pub use self::sampler::SamplerSettings;
pub use self::tls::TlsSettings;
pub use self::warnings::Warnings;
pub use self::without::JournalWithout;

/// What the code says; `None` leaves the word to the environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `service.name`.
    pub service_name: Option<String>,
    /// More resource attributes.
    pub resource: Vec<(String, String)>,
    /// The collector for records and traces.
    pub endpoint: Option<String>,
    /// Where the state of the service lives.
    pub directory: Option<PathBuf>,
    /// How much the journal may hold.
    pub journal_max_bytes: Option<u64>,
    /// How much the quarantine may hold.
    pub quarantine_max_bytes: Option<u64>,
    /// What happens when it is full.
    pub quarantine_when_full: Option<QuarantineFull>,
    /// How long a shutdown may take to ship what is left.
    pub flush_timeout: Option<Duration>,
    /// What the file system of the journal may lack.
    pub journal_without: Option<JournalWithout>,
}

/// The effective settings, checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Who emits.
    pub resource: ResourceSettings,
    /// Where records go.
    pub logs: OtlpSettings,
    /// Where traces go, or what is wrong with that: it stops nobody who exports none.
    pub traces: Result<OtlpSettings, ConfigError>,
    /// Whether spans are made for them and exported there (`OTEL_TRACES_EXPORTER`, `OTEL_SDK_DISABLED`).
    pub exports_traces: bool,
    /// Which traces are kept, audited ones apart.
    pub sampler: SamplerSettings,
    /// What is wrong with variables of OTel and stops no start.
    pub warnings: Warnings,
    /// What else is, where spans are exported.
    pub trace_warnings: Warnings,
    /// Where the state of the service lives: the journal is in `journal` below it.
    pub directory: PathBuf,
    /// Where earlier versions had it, if that was elsewhere: what waits there of this service is sent, too.
    pub earlier_directory: Option<PathBuf>,
    /// How many bytes the segments of the journal may take.
    pub journal_max_bytes: u64,
    /// How much the quarantine may hold.
    pub quarantine: QuarantineSettings,
    /// How long a shutdown may take to ship what is left.
    pub flush_timeout: Duration,
    /// What the file system of the journal may lack.
    pub journal_without: JournalWithout,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The first mistake that is found, with its name, value and fix.
    pub fn read(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        environment.check_known(&[
            directory::DIRECTORY,
            JOURNAL_MAX_BYTES,
            JOURNAL_WITHOUT,
            quarantine::MAX_BYTES,
            quarantine::WHEN_FULL,
            FLUSH_TIMEOUT,
            FILE,
        ])?;
        let (mut warnings, mut of_traces) = (Warnings::default(), Warnings::default());
        let logs = OtlpSettings::read(Signal::Logs, overrides, environment, &mut warnings)?;
        let traces = OtlpSettings::read(Signal::Traces, overrides, environment, &mut of_traces);
        let is_secure = |settings: &OtlpSettings| settings.tls.is_some();
        tls::check_used(is_secure(&logs) || traces.as_ref().is_ok_and(is_secure), environment)?;
        let resource = ResourceSettings::read(overrides, environment, &mut warnings)?;
        let exports_traces = sampler::exports_traces(environment, &mut of_traces)?;
        let sampler = SamplerSettings::read(environment, &mut of_traces)?;
        Ok(Self {
            directory: directory::read(overrides, environment, &resource)?,
            earlier_directory: directory::read_earlier(overrides, environment, &resource)?,
            resource,
            logs,
            traces,
            exports_traces,
            sampler,
            trace_warnings: of_traces.without(&warnings),
            warnings,
            journal_max_bytes: journal_max_bytes(overrides, environment)?,
            journal_without: match overrides.journal_without {
                Some(without) => without,
                None => JournalWithout::read(environment)?,
            },
            quarantine: QuarantineSettings::read(overrides, environment)?,
            flush_timeout: match overrides.flush_timeout {
                Some(timeout) => timeout,
                None => environment.millis(FLUSH_TIMEOUT)?.unwrap_or(DEFAULT_FLUSH_TIMEOUT),
            },
        })
    }
}

fn journal_max_bytes(overrides: &Overrides, environment: &Environment) -> Result<u64, ConfigError> {
    let (source, bytes) = match overrides.journal_max_bytes {
        Some(bytes) => ("journal_max_bytes() of the builder", Some(bytes)),
        None => (JOURNAL_MAX_BYTES, environment.number(JOURNAL_MAX_BYTES, "a number of bytes, such as 1073741824")?),
    };
    match bytes {
        Some(bytes) if bytes < LEAST_JOURNAL_BYTES => Err(ConfigError::value(
            source,
            &bytes.to_string(),
            "the journal needs room for some segments",
            format!("set at least {LEAST_JOURNAL_BYTES}"),
        )),
        bytes => Ok(bytes.unwrap_or(DEFAULT_JOURNAL_MAX_BYTES)),
    }
}

/// Bytes that the segments of the journal may take.
pub const JOURNAL_MAX_BYTES: &str = "AUDITRAIL_JOURNAL_MAX_BYTES";
/// What the file system of the journal may lack.
pub const JOURNAL_WITHOUT: &str = "AUDITRAIL_JOURNAL_WITHOUT";
/// Milliseconds that a shutdown may take.
pub const FLUSH_TIMEOUT: &str = "AUDITRAIL_FLUSH_TIMEOUT";

/// The configuration file of `auditrail proxy`.
pub const FILE: &str = "AUDITRAIL_CONFIG";

/// More than a million records of 700 bytes: a night of a busy server's.
const DEFAULT_JOURNAL_MAX_BYTES: u64 = 1 << 30;
/// The least segments that the journal works with.
const LEAST_JOURNAL_BYTES: u64 = 256 * 1024;
/// MCP clients close stdin, wait 2 s, send SIGTERM, wait 2 s, and kill: stay well below 2 s.
const DEFAULT_FLUSH_TIMEOUT: Duration = Duration::from_millis(1200);
