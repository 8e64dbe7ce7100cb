//! Where the state of a service lives.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::environment::{Environment, STATE};
use super::error::ConfigError;
use super::overrides::Overrides;
use super::resource::{ResourceSettings, SERVICE_NAME_VARIABLE};
use crate::hex::hex;

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
    below_state(&file_name(resource.service_name()), environment)
}

/// Where earlier versions had the state of that service, if it is elsewhere now: maybe together with others'.
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

/// As [`state_directory`], where earlier versions had it, if that is elsewhere.
pub fn earlier_state_directory(service: &str, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    earlier_file_name(service).map(|name| below_state(&name, environment)).transpose()
}

/// Where the state of a service is, for whoever only wants to find it: the default of a service that is named; else what
/// `AUDITRAIL_DIR` says; else the default of `OTEL_SERVICE_NAME`. `None` if none of these says anything.
///
/// # Errors
/// What is wrong with a variable that it is read from.
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
    Err(ConfigError::secret(variable, "it is not an absolute path", "set one that begins with /"))
}

/// A service's name as one part of a path: no two services have the same. What may not stand there is percent-encoded, as is
/// a dot at the beginning; of a name that is too long for a file system the end is replaced by a digest of the whole.
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
        // All of it is ASCII; and no name of another service has this mark.
        name.truncate(LONGEST_NAME - 66);
        name += "%~";
        name += &hex(&digest);
    }
    name
}

/// As it was called by versions that had the same name for several services; `None` if it is called so still.
fn earlier_file_name(service: &str) -> Option<String> {
    let name: String = service.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let name = if name.starts_with('.') { format!("_{name}") } else { name };
    (name != file_name(service)).then_some(name)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// File systems take 255 bytes.
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
