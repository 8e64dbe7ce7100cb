//! Where the state of a service lives.

use std::path::{Path, PathBuf};

use super::environment::STATE;
use super::{ConfigError, Environment, Overrides, ResourceSettings};

/// The directory of the service's state.
pub const DIRECTORY: &str = "AUDITRAIL_DIR";

/// What the code or `AUDITRAIL_DIR` says, as it is; else `auditrail/SERVICE` below what systemd or XDG name.
pub(super) fn read(
    overrides: &Overrides,
    environment: &Environment,
    resource: &ResourceSettings,
) -> Result<PathBuf, ConfigError> {
    if let Some(directory) = &overrides.directory {
        return Ok(directory.clone());
    }
    if let Some(directory) = environment.text(DIRECTORY)? {
        return absolute(DIRECTORY, directory);
    }
    let below = |base: PathBuf| base.join("auditrail").join(file_name(resource.service_name()));
    let [systemd, xdg, home] = STATE;
    if let Some(list) = environment.text(systemd)? {
        // Several directories are separated by colons; the first is the service's main one.
        return absolute(systemd, list.split(':').next().unwrap_or_default()).map(below);
    }
    match (environment.text(xdg)?, environment.text(home)?) {
        (Some(state), _) => absolute(xdg, state).map(below),
        (None, Some(home)) => absolute("HOME", home).map(|home| below(home.join(".local/state"))),
        (None, None) => Err(ConfigError::value(
            DIRECTORY,
            "",
            "there is neither it nor XDG_STATE_HOME nor HOME, and the journal must be somewhere",
            "set it to a directory that outlives the process, or call directory() of the builder",
        )),
    }
}

/// A relative directory would depend on where the process happens to be started: what waits there would be lost from sight.
fn absolute(variable: &str, directory: &str) -> Result<PathBuf, ConfigError> {
    if Path::new(directory).is_absolute() {
        return Ok(directory.into());
    }
    Err(ConfigError::value(variable, directory, "it is not an absolute path", "set one that begins with /"))
}

/// A service's name as one part of a path.
fn file_name(service: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = service.chars().map(plain).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}
