//! Where the state of a service lives.

use std::path::{Path, PathBuf};

use super::environment::STATE;
use super::resource::SERVICE_NAME_VARIABLE;
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
    below_state(resource.service_name(), environment)
}

/// Where the state of a service is, for whoever only wants to find it: the default of a service that is named; else what
/// `AUDITRAIL_DIR` says; else the default of `OTEL_SERVICE_NAME`. `None` if none of these says anything.
///
/// # Errors
/// What is wrong with a variable that it is read from.
pub fn state_directory(service: Option<&str>, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(service) = service {
        return below_state(service, environment).map(Some);
    }
    if let Some(directory) = environment.text(DIRECTORY)? {
        return absolute(DIRECTORY, directory).map(Some);
    }
    environment.text(SERVICE_NAME_VARIABLE)?.map(|service| below_state(service, environment)).transpose()
}

fn below_state(service: &str, environment: &Environment) -> Result<PathBuf, ConfigError> {
    let below = |base: PathBuf| base.join("auditrail").join(file_name(service));
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
