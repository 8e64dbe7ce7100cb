//! What an operator accepts that a file system lacks.

use super::environment::Environment;
use super::error::ConfigError;
use super::list::entries;
use super::variables::JOURNAL_WITHOUT;

/// What the file system of the journal may lack. By default, a lack stops the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalWithout {
    /// Directories that can be synced. Without that, a power loss may take the files of records that count as synced.
    pub directory_sync: bool,
    /// Locks, by which processes see that a stream is still written. Without them, no two processes may use the directory at
    /// once: each would take over the streams of the other while it writes them.
    pub lock: bool,
}

impl JournalWithout {
    /// Accepts that directories cannot be synced.
    #[must_use]
    pub const fn directory_sync(self) -> Self {
        Self { directory_sync: true, ..self }
    }

    /// Accepts that files cannot be locked.
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
                    let problem = format!("entry {position}: the journal cannot go without that");
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
