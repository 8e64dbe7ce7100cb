//! The environment, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use super::ConfigError;

/// A snapshot of the variables that auditrail may read: those that begin with `AUDITRAIL_` or `OTEL_`, and those that say
/// where a service keeps its state.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from_iter(std::env::vars_os())
    }

    /// The variables of this process, and some others that are asked for by their names.
    #[cfg(feature = "proxy")]
    #[must_use]
    pub fn of_process_with(others: &[&str]) -> Self {
        let is_other = |name: &OsString| name.to_str().is_some_and(|name| others.contains(&name));
        let mut environment = Self::of_process();
        let others = std::env::vars_os().filter(|(name, _)| is_other(name));
        environment.variables.extend(others.filter_map(|(name, value)| Some((name.into_string().ok()?, value))));
        environment
    }

    /// What counts where the variable is not set, and whether it does.
    #[cfg(feature = "proxy")]
    pub fn default_to(&mut self, variable: &str, value: &str) -> bool {
        let is_unset = self.variables.get(variable).is_none_or(|value| value.is_empty());
        if is_unset {
            self.variables.insert(variable.into(), value.into());
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

    /// A misspelt setting would be a setting that does nothing: it stops the start.
    pub(super) fn check_known(&self, known: &[&str]) -> Result<(), ConfigError> {
        match self.variables.keys().find(|name| name.starts_with(OURS) && !known.contains(&name.as_str())) {
            Some(variable) => Err(ConfigError::Unknown { variable: variable.clone(), known: known.join(", ") }),
            None => Ok(()),
        }
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let variables = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value.into())))
            .filter(|(name, _)| name.starts_with(OURS) || name.starts_with("OTEL_") || STATE.contains(&name.as_str()))
            .collect();
        Self { variables }
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

const OURS: &str = "AUDITRAIL_";
/// systemd (systemd.exec), XDG Base Directory specification, POSIX.
pub(super) const STATE: [&str; 3] = ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"];
