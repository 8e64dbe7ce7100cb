//! Finds the directory of a service's state.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::environment::{Environment, STATE};
use super::error::ConfigError;
use super::overrides::Overrides;
use super::resource::{ResourceSettings, SERVICE_NAME_VARIABLE};
use crate::hex::hex;

/// The variable that names the directory of the service's state.
pub const DIRECTORY: &str = "AUDITRAIL_DIR";

/// The directory from the code or `AUDITRAIL_DIR`; otherwise `auditrail/SERVICE` below the one that
/// systemd or XDG names.
pub(super) fn read(
    overrides: &Overrides,
    environment: &Environment,
    resource: &ResourceSettings,
) -> Result<PathBuf, ConfigError> {
    if let Some(directory) = &overrides.directory {
        // The host may change its working directory.
        return Ok(std::path::absolute(directory).unwrap_or_else(|_| directory.clone()));
    }
    if let Some(directory) = environment.text(DIRECTORY)? {
        return absolute(DIRECTORY, directory);
    }
    below_state(&file_name(resource.service_name()), environment)
}

/// The directory in which earlier versions had the state of that service, if it differs; other services may share it.
pub(super) fn read_earlier(
    overrides: &Overrides,
    environment: &Environment,
    resource: &ResourceSettings,
) -> Result<Option<PathBuf>, ConfigError> {
    if overrides.directory.is_some() || environment.text(DIRECTORY)?.is_some() {
        return Ok(None);
    }
    earlier_state_directory(resource.service_name(), environment)
}

/// Like [`state_directory`], for the directory of earlier versions, if that differs.
pub fn earlier_state_directory(service: &str, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    earlier_file_name(service).map(|name| below_state(&name, environment)).transpose()
}

/// The directory of a service's state, for code that only wants to find it: the default directory of `service`, if it
/// is given; otherwise `AUDITRAIL_DIR`; otherwise the default directory of `OTEL_SERVICE_NAME`. `None` if none of
/// these is set.
///
/// # Errors
/// If a variable that it reads is invalid.
pub fn state_directory(service: Option<&str>, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(service) = service {
        return below_state(&file_name(service), environment).map(Some);
    }
    if let Some(directory) = environment.text(DIRECTORY)? {
        return absolute(DIRECTORY, directory).map(Some);
    }
    environment.text(SERVICE_NAME_VARIABLE)?.map(|service| below_state(&file_name(service), environment)).transpose()
}

fn below_state(name: &str, environment: &Environment) -> Result<PathBuf, ConfigError> {
    let below = |base: PathBuf| base.join("auditrail").join(name);
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
            "neither it nor XDG_STATE_HOME nor HOME is set, and the journal needs a directory",
            "set it to a directory that outlives the process, or call directory() of the builder",
        )),
    }
}

/// A relative directory would depend on where the process happens to be started, and what waits there would not be
/// found again.
pub(super) fn absolute(variable: &str, directory: &str) -> Result<PathBuf, ConfigError> {
    if Path::new(directory).is_absolute() {
        return Ok(directory.into());
    }
    Err(ConfigError::secret(variable, "it is not an absolute path", "set one that begins with /"))
}

/// A service's name as one part of a path, different for all services. Characters that are not allowed are
/// percent-encoded, and so is a dot at the beginning. If a name is too long for a file system, a digest of the whole
/// replaces its end.
fn file_name(service: &str) -> String {
    let mut name = String::new();
    for (at, byte) in service.bytes().enumerate() {
        match char::from(byte) {
            '.' if at == 0 => name += "%2E",
            c if is_plain(c) => name.push(c),
            _ => name += &format!("%{byte:02X}"),
        }
    }
    if name.len() > LONGEST_NAME {
        let digest = Sha256::digest(service);
        // All of it is ASCII, and no name of another service contains this mark.
        name.truncate(LONGEST_NAME - 66);
        name += "%~";
        name += &hex(&digest);
    }
    name
}

/// The name in versions that had one name for several services; `None` if it is unchanged.
fn earlier_file_name(service: &str) -> Option<String> {
    let name: String = service.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let name = if name.starts_with('.') { format!("_{name}") } else { name };
    (name != file_name(service)).then_some(name)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// File systems allow 255 bytes.
const LONGEST_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_services_share_a_directory() {
        let (long, longer) = ("a".repeat(300), "a".repeat(301));
        let cut = file_name(&long);
        let names = [
            "a/b",
            "a_b",
            "a%2Fb",
            "a b",
            "a\u{e4}b",
            "..",
            ".",
            "_.",
            "_..",
            "%2E",
            "a\nb",
            &long,
            &longer,
            &cut,
            "\u{6587}\u{5b57}",
        ];
        let files: HashSet<_> = names.iter().map(|name| file_name(name)).collect();
        assert_eq!(files.len(), names.len(), "{files:?}");
        for file in &files {
            assert!(file.len() <= LONGEST_NAME && !file.contains('/') && !file.starts_with('.'), "{file}");
        }
        assert_eq!(["a/b", "a_b", ".", "weather-mcp.eu"].map(file_name), ["a%2Fb", "a_b", "%2E", "weather-mcp.eu"]);
    }

    #[test]
    fn what_is_called_otherwise_now_is_found_under_its_earlier_name() {
        let earlier = ["a/b", "a_b", ".x", "\u{6587}"].map(earlier_file_name);
        assert_eq!(earlier, [Some("a_b".into()), None, Some("_.x".into()), Some("_".into())]);
    }
}
