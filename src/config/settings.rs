//! The effective settings.

use std::path::PathBuf;
use std::time::Duration;

use super::auditing::Auditing;
use super::directory::{self, DIRECTORY};
use super::disabled;
use super::environment::Environment;
use super::error::ConfigError;
use super::otlp::{OtlpSettings, Signal};
use super::overrides::Overrides;
use super::quarantine::{self, QuarantineSettings};
use super::resource::ResourceSettings;
use super::sampler::{self, SamplerSettings};
use super::sink::SinkSettings;
use super::tls;
use super::variables::{
    DISABLED, FILE, FILE_KEEP, FILE_MAX_BYTES, FILE_PATH, FLUSH_TIMEOUT, JOURNAL_MAX_BYTES, JOURNAL_WITHOUT,
    RECORD_DIGESTS, SINK,
};
use super::warnings::Warnings;
use super::without::JournalWithout;

/// The effective settings, checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The resource.
    pub resource: ResourceSettings,
    /// The collector of the records.
    pub logs: OtlpSettings,
    /// The collector of the traces, or what is wrong with its settings, which is no error if no traces are exported.
    pub traces: Result<OtlpSettings, ConfigError>,
    /// Whether spans are created and exported (`OTEL_TRACES_EXPORTER`, `OTEL_SDK_DISABLED`).
    pub exports_traces: bool,
    /// Which traces are kept, apart from audited ones.
    pub sampler: SamplerSettings,
    /// Mistakes in variables of OTel that do not stop the start.
    pub warnings: Warnings,
    /// Further ones, which only matter if spans are exported.
    pub trace_warnings: Warnings,
    /// The directory of the service's state; the journal is in `journal` below it.
    pub directory: PathBuf,
    /// The directory of earlier versions, if it differs: records of this service that wait there are sent, too.
    pub earlier_directory: Option<PathBuf>,
    /// How many bytes may wait in the journal (default: 1 GiB).
    pub journal_max_bytes: u64,
    /// The size limit of the quarantine.
    pub quarantine: QuarantineSettings,
    /// How long a shutdown may take to ship what is left (default: 1.2 s).
    pub flush_timeout: Duration,
    /// What the file system of the journal may lack.
    pub journal_without: JournalWithout,
    /// Where records go.
    pub sinks: SinkSettings,
    /// Whether records have digests of arguments and results (default: no).
    pub record_digests: bool,
    /// Whether calls are audited.
    pub auditing: Auditing,
    /// Whether a collector is named, by an endpoint or as a sink. Without one, spans are created for their ids and not
    /// exported.
    pub has_collector: bool,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The first mistake that is found, with its setting, value and fix.
    pub fn read(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        environment.check_known(&[
            DIRECTORY,
            JOURNAL_MAX_BYTES,
            JOURNAL_WITHOUT,
            quarantine::MAX_BYTES,
            quarantine::WHEN_FULL,
            FLUSH_TIMEOUT,
            SINK,
            FILE_PATH,
            FILE_MAX_BYTES,
            FILE_KEEP,
            RECORD_DIGESTS,
            DISABLED,
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
        let directory = directory::read(overrides, environment, &resource)?;
        let sinks = SinkSettings::read(overrides, environment, &directory)?;
        let is_named = |settings: &OtlpSettings| !settings.has_default_endpoint();
        let has_collector = sinks.otlp
            || is_named(&logs)
            || traces.as_ref().map_or(true, is_named)
            || sampler::names_exporter(environment)?;
        Ok(Self {
            directory,
            sinks,
            has_collector,
            record_digests: record_digests(overrides, environment)?,
            auditing: disabled::read(overrides, environment)?,
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

fn record_digests(overrides: &Overrides, environment: &Environment) -> Result<bool, ConfigError> {
    if let Some(record) = overrides.record_digests {
        return Ok(record);
    }
    match environment.text(RECORD_DIGESTS)?.map(str::to_ascii_lowercase).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ConfigError::secret(RECORD_DIGESTS, "it is neither true nor false", "set true or false")),
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
            "the journal needs space for some segments",
            format!("set at least {LEAST_JOURNAL_BYTES}"),
        )),
        bytes => Ok(bytes.unwrap_or(DEFAULT_JOURNAL_MAX_BYTES)),
    }
}

/// More than a million records of 700 bytes: a night of a busy server.
const DEFAULT_JOURNAL_MAX_BYTES: u64 = 1 << 30;
/// The smallest number of segments that the journal works with.
const LEAST_JOURNAL_BYTES: u64 = 256 * 1024;
/// MCP clients close stdin, wait 2 s, send SIGTERM, wait 2 s, and kill: stay well below 2 s.
const DEFAULT_FLUSH_TIMEOUT: Duration = Duration::from_millis(1200);
