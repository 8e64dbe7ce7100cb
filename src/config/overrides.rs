//! Settings from code.

use std::path::PathBuf;
use std::time::Duration;

use super::auditing::Auditing;
use super::quarantine_full::QuarantineFull;
use super::sink_kind::SinkKind;
use super::without::JournalWithout;

/// The settings from code; `None` means that the environment decides.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `service.name`.
    pub service_name: Option<String>,
    /// More resource attributes.
    pub resource: Vec<(String, String)>,
    /// The collector for records and traces.
    pub endpoint: Option<String>,
    /// The directory of the service's state.
    pub directory: Option<PathBuf>,
    /// How many bytes may wait in the journal.
    pub journal_max_bytes: Option<u64>,
    /// How many bytes the quarantine may take.
    pub quarantine_max_bytes: Option<u64>,
    /// What happens when it is full.
    pub quarantine_when_full: Option<QuarantineFull>,
    /// How long a shutdown may take to ship what is left.
    pub flush_timeout: Option<Duration>,
    /// What the file system of the journal may lack.
    pub journal_without: Option<JournalWithout>,
    /// Where records go.
    pub sinks: Option<Vec<SinkKind>>,
    /// The file of that sink.
    pub file: Option<PathBuf>,
    /// The size at which that file is rotated.
    pub file_max_bytes: Option<u64>,
    /// How many rotated files are kept.
    pub file_keep: Option<u32>,
    /// Whether records have digests of arguments and results.
    pub record_digests: Option<bool>,
    /// Whether calls are audited.
    pub auditing: Option<Auditing>,
}
