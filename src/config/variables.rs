//! Names of auditrail's own environment variables.

/// How many bytes may wait in the journal.
pub const JOURNAL_MAX_BYTES: &str = "AUDITRAIL_JOURNAL_MAX_BYTES";
/// What the file system of the journal may lack.
pub const JOURNAL_WITHOUT: &str = "AUDITRAIL_JOURNAL_WITHOUT";
/// How many milliseconds a shutdown may take.
pub const FLUSH_TIMEOUT: &str = "AUDITRAIL_FLUSH_TIMEOUT";

/// Where records go: `otlp`, `file`, `stderr`, `log`, separated by commas.
pub const SINK: &str = "AUDITRAIL_SINK";
/// The file of the sink `file`.
pub const FILE_PATH: &str = "AUDITRAIL_FILE";
/// The size at which that file is rotated.
pub const FILE_MAX_BYTES: &str = "AUDITRAIL_FILE_MAX_BYTES";
/// How many rotated files are kept.
pub const FILE_KEEP: &str = "AUDITRAIL_FILE_KEEP";
/// Whether records have digests of arguments and results.
pub const RECORD_DIGESTS: &str = "AUDITRAIL_RECORD_DIGESTS";
/// Turns auditing off.
pub const DISABLED: &str = "AUDITRAIL_DISABLED";

/// The configuration file of `auditrail proxy`.
pub const FILE: &str = "AUDITRAIL_CONFIG";
