//! The switch that turns auditing off.

use super::environment::Environment;
use super::error::ConfigError;
use super::overrides::Overrides;
use super::variables::DISABLED;

/// Whether calls are audited. A trail that is switched off leaves one record, which says so, and calls run unrecorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Auditing {
    /// They are.
    #[default]
    On,
    /// They are not. Calls whose class refuses to run unrecorded do not run: the start fails if such a class is known by then,
    /// and the calls are refused otherwise.
    Off,
    /// They are not, and even calls whose class refuses to run unrecorded do run.
    OffForAll,
}

impl Auditing {
    pub(super) fn read(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        if let Some(auditing) = overrides.auditing {
            return Ok(auditing);
        }
        match environment.text(DISABLED)?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(Self::On),
            Some("true") => Ok(Self::Off),
            Some("all") => Ok(Self::OffForAll),
            Some(_) => {
                Err(ConfigError::secret(DISABLED, "it is neither true, all nor false", "set true, all or false"))
            }
        }
    }

    /// Whether calls are recorded.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}
