//! Errors of the configuration.

/// A mistake in the configuration: the setting, the problem and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable has a value that cannot be used, or no value although one is required.
    #[error("{}: {problem}; {fix}", beginning(variable, value))]
    Value {
        /// The environment variable, or the builder's method.
        variable: String,
        /// The value; `(not shown)` if it may be secret, empty if there is none.
        value: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        fix: String,
    },
    /// A variable that auditrail does not know.
    #[error("{variable} is set, but auditrail has no such setting; remove it, or use one of: {known}")]
    Unknown {
        /// The environment variable.
        variable: String,
        /// All known variables.
        known: String,
    },
}

/// An empty value means that none was given.
fn beginning(variable: &str, value: &str) -> String {
    match value {
        "" => format!("{variable} is not set"),
        value => format!("{variable}={value:?} cannot be used"),
    }
}

impl ConfigError {
    /// An error with a wrong value of the right kind, which cannot be a secret.
    pub(crate) fn value(variable: &str, value: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Value { variable: variable.into(), value: value.into(), problem: problem.into(), fix: fix.into() }
    }

    /// An error with a wrong value that must not be repeated: it may be a secret in the wrong place.
    pub(crate) fn secret(variable: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::value(variable, "(not shown)", problem, fix)
    }
}
