//! The one error of this boundary.

/// A mistake in the configuration: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable has a value that cannot be used, or has none and should.
    #[error("{}: {problem}; {fix}", beginning(variable, value))]
    Value {
        /// The environment variable, or the builder's method.
        variable: String,
        /// The value; `(not shown)` in its place where it may be secret, empty where there is none.
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
        /// All that are known.
        known: String,
    },
}

/// An empty value counts as none, so nobody has written one.
fn beginning(variable: &str, value: &str) -> String {
    match value {
        "" => format!("{variable} is not set"),
        value => format!("{variable}={value:?} cannot be used"),
    }
}

impl ConfigError {
    /// A wrong value of the right kind: it is known that nothing secret is in it.
    pub(crate) fn value(variable: &str, value: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Value { variable: variable.into(), value: value.into(), problem: problem.into(), fix: fix.into() }
    }

    /// A wrong value that must not be repeated: it may be a secret that somebody has put into the wrong place.
    pub(crate) fn secret(variable: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::value(variable, "(not shown)", problem, fix)
    }
}
