//! Reads the switch that turns auditing off.

use super::auditing::Auditing;
use super::environment::Environment;
use super::error::ConfigError;
use super::overrides::Overrides;
use super::variables::DISABLED;

pub(super) fn read(overrides: &Overrides, environment: &Environment) -> Result<Auditing, ConfigError> {
    if let Some(auditing) = overrides.auditing {
        return Ok(auditing);
    }
    match environment.text(DISABLED)?.map(str::to_ascii_lowercase).as_deref() {
        None | Some("false") => Ok(Auditing::On),
        Some("true") => Ok(Auditing::Off),
        Some("all") => Ok(Auditing::OffForAll),
        Some(_) => Err(ConfigError::secret(DISABLED, "it is neither true, all nor false", "set true, all or false")),
    }
}
