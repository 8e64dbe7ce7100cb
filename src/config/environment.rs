//! The environment variables, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::Duration;

use super::error::ConfigError;
use super::injected::is_injected;
use super::warnings::Warnings;

/// A snapshot of the environment variables that auditrail may read: those that begin with `AUDITRAIL_` or `OTEL_`,
/// and those that name a service's state directory.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    /// The variables whose values come from the configuration file.
    of_file: BTreeSet<String>,
}

impl Environment {
    /// Reads the variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from_iter(std::env::vars_os())
    }

    /// Reads the variables of this process, and also those named in `others`.
    #[must_use]
    pub fn of_process_with(others: &[&str]) -> Self {
        let is_other = |name: &OsString| name.to_str().is_some_and(|name| others.contains(&name));
        let mut environment = Self::of_process();
        let others = std::env::vars_os().filter(|(name, _)| is_other(name));
        environment.variables.extend(others.filter_map(|(name, value)| Some((name.into_string().ok()?, value))));
        environment
    }

    /// Sets the value of a variable that is not set; returns whether it was not set.
    #[cfg(feature = "internals")]
    pub(crate) fn default_to(&mut self, variable: &str, value: &str) -> bool {
        let is_unset = self.variables.get(variable).is_none_or(|value| value.is_empty());
        if is_unset {
            self.variables.insert(variable.into(), value.into());
            self.of_file.insert(variable.into());
        }
        is_unset
    }

    /// The value of a variable; an empty one counts as unset (OTel specification, environment variables).
    ///
    /// # Errors
    /// If the value is not UTF-8.
    pub fn text(&self, variable: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.variables.get(variable) else { return Ok(None) };
        match value.to_str().map(str::trim) {
            Some("") => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(ConfigError::secret(variable, "it is not UTF-8", "set it to text")),
        }
    }

    /// The first of some variables that is set, with its name.
    ///
    /// # Errors
    /// If its value is not UTF-8.
    pub fn first<'a>(&self, variables: &[&'a str]) -> Result<Option<(&'a str, &str)>, ConfigError> {
        for variable in variables {
            if let Some(text) = self.text(variable)? {
                return Ok(Some((variable, text)));
            }
        }
        Ok(None)
    }

    /// The value of the first of some variables that can be understood. A value that cannot causes a warning and
    /// counts as unset, as the OTel specification requires for its variables; a value from the configuration file
    /// must be right.
    ///
    /// # Errors
    /// If a value is not UTF-8, or must stop the start.
    pub(super) fn understood<T>(
        &self,
        variables: &[&'static str],
        warnings: &mut Warnings,
        read: impl Fn(&str) -> Result<T, NotUnderstood>,
    ) -> Result<Option<T>, ConfigError> {
        for variable in variables {
            let Some(text) = self.text(variable)? else { continue };
            let unknown = match read(text) {
                Ok(value) => return Ok(Some(value)),
                Err(unknown) => unknown,
            };
            let NotUnderstood { problem, fix, stops } = unknown;
            if stops || self.of_file.contains(*variable) {
                return Err(ConfigError::secret(variable, problem, fix));
            }
            warnings.add(format!("{variable} counts as unset: {problem}; {fix}"));
        }
        Ok(None)
    }

    pub(super) fn number(&self, variable: &str, wanted: &str) -> Result<Option<u64>, ConfigError> {
        self.text(variable)?
            .map(|text| {
                text.parse().map_err(|_| ConfigError::secret(variable, "not a number", format!("set {wanted}")))
            })
            .transpose()
    }

    pub(super) fn millis(&self, variable: &str) -> Result<Option<Duration>, ConfigError> {
        Ok(self.number(variable, "whole milliseconds, such as 1200")?.map(Duration::from_millis))
    }

    /// A misspelt setting would have no effect, so it stops the start.
    pub(super) fn check_known(&self, known: &[&str]) -> Result<(), ConfigError> {
        let is_strange = |name: &str, value: &OsString| {
            let is_injected = value.to_str().is_some_and(|value| is_injected(name, value));
            name.starts_with(OURS) && !known.contains(&name) && !is_injected
        };
        match self.variables.iter().find(|(name, value)| is_strange(name, value)) {
            Some((variable, _)) => Err(ConfigError::Unknown { variable: variable.clone(), known: known.join(", ") }),
            None => Ok(()),
        }
    }
}

/// Why a value cannot be used.
pub(super) struct NotUnderstood {
    pub(super) problem: String,
    pub(super) fix: String,
    /// The meaning is clear, but this build or version does not support it.
    pub(super) stops: bool,
}

impl NotUnderstood {
    pub(super) fn new(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { problem: problem.into(), fix: fix.into(), stops: false }
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let variables = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value.into())))
            .filter(|(name, _)| name.starts_with(OURS) || name.starts_with("OTEL_") || STATE.contains(&name.as_str()))
            .collect();
        Self { variables, of_file: BTreeSet::new() }
    }
}

/// Names only, because values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

const OURS: &str = "AUDITRAIL_";
/// systemd (systemd.exec), XDG Base Directory specification, POSIX.
pub(super) const STATE: [&str; 3] = ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"];
