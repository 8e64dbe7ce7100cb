//! Words errors for users of the program; the library's own errors name methods, for programmers.

use auditrail::config::{ConfigError, DIRECTORY};
use auditrail::internals::config::ENDPOINT_METHOD;
use auditrail::trail::StartError;

/// The names that a command uses.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Where the values of variables come from, if not from the environment.
    pub(super) sources: Vec<(&'static str, &'static str)>,
    /// The fix if a required variable is not set.
    pub(super) needs: &'static [(&'static str, &'static str)],
}

impl Words {
    /// The words of the commands on journals.
    pub(super) fn of_journals() -> Self {
        Self { sources: vec![(ENDPOINT_METHOD, "--endpoint")], needs: &[(DIRECTORY, "give --dir DIR")] }
    }

    pub(super) fn config(&self, error: &ConfigError) -> String {
        let ConfigError::Value { variable, value, problem, fix } = error else { return error.to_string() };
        let known = |list: &[(&str, &'static str)]| {
            list.iter().find(|(name, _)| name == variable).map(|(_, said)| (*said).to_owned())
        };
        let need = if value.is_empty() { known(self.needs) } else { None };
        let variable = known(&self.sources).unwrap_or_else(|| variable.clone());
        let (value, problem, fix) = (value.clone(), problem.clone(), need.unwrap_or_else(|| fix.clone()));
        ConfigError::Value { variable, value, problem, fix }.to_string()
    }

    pub(super) fn start(&self, error: &StartError) -> String {
        match error {
            StartError::Config(error) => format!("auditrail does not start: {}", self.config(error)),
            StartError::NoConnector => NO_TRANSPORT.to_owned(),
            error => error.to_string(),
        }
    }
}

const NO_TRANSPORT: &str = "auditrail does not start: this program was built without a way to the collector; install it with \
                            the feature otlp-grpc or otlp-http";
