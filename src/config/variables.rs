//! Names of auditrail's own environment variables.

/// How many bytes may wait in the journal.
pub const JOURNAL_MAX_BYTES: &str = "AUDITRAIL_JOURNAL_MAX_BYTES";
/// What the file system of the journal may lack.
pub const JOURNAL_WITHOUT: &str = "AUDITRAIL_JOURNAL_WITHOUT";
/// How many milliseconds a shutdown may take.
pub const FLUSH_TIMEOUT: &str = "AUDITRAIL_FLUSH_TIMEOUT";

/// The configuration file of `auditrail proxy`.
pub const FILE: &str = "AUDITRAIL_CONFIG";
