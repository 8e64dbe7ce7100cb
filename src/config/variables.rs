//! Variables of the environment that are auditrail's own.

/// Bytes that the segments of the journal may take.
pub const JOURNAL_MAX_BYTES: &str = "AUDITRAIL_JOURNAL_MAX_BYTES";
/// What the file system of the journal may lack.
pub const JOURNAL_WITHOUT: &str = "AUDITRAIL_JOURNAL_WITHOUT";
/// Milliseconds that a shutdown may take.
pub const FLUSH_TIMEOUT: &str = "AUDITRAIL_FLUSH_TIMEOUT";

/// The configuration file of `auditrail proxy`.
pub const FILE: &str = "AUDITRAIL_CONFIG";
