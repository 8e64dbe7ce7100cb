//! What an operator accepts that a file system lacks.

use super::environment::Environment;
use super::error::ConfigError;
use super::list::entries;
use super::variables::JOURNAL_WITHOUT;

/// The features that the journal's file system may lack (default: none). By default, a missing one stops the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalWithout {
    /// Syncing directories. Without it, a power loss can remove the files of records that count as synced.
    pub directory_sync: bool,
    /// Locks, with which processes see that a stream is still written. Without them, two processes must not use the
    /// directory at one time: each would adopt the streams of the other while it writes them.
    pub lock: bool,
}

impl JournalWithout {
    /// Accepts a file system that cannot sync directories.
    #[must_use]
    pub const fn directory_sync(self) -> Self {
        Self { directory_sync: true, ..self }
    }

    /// Accepts a file system that cannot lock files.
    #[must_use]
    pub const fn lock(self) -> Self {
        Self { lock: true, ..self }
    }

    pub(crate) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut without = Self::default();
        for (position, entry) in entries(environment.text(JOURNAL_WITHOUT)?.unwrap_or_default()) {
            without = match entry.trim() {
                "directory_sync" => without.directory_sync(),
                "lock" => without.lock(),
                _ => {
                    let problem = format!("entry {position}: it is not a feature that the journal can work without");
                    return Err(ConfigError::secret(
                        JOURNAL_WITHOUT,
                        problem,
                        "set directory_sync, lock, or both with a comma",
                    ));
                }
            };
        }
        Ok(without)
    }
}
