//! Why the proxy did not start, or ended.

use auditrail::trail::StartError;

use super::config::Configuration;
use crate::cli::outcome::Failure;

/// A mistake of the user, or a failure.
pub(super) fn not_started(configuration: &Configuration, error: &StartError) -> Failure {
    let text = configuration.words.start(error);
    match error {
        StartError::Config(_) => Failure::usage(text),
        _ => failed(text),
    }
}

pub(super) fn failed(text: impl ToString) -> Failure {
    Failure { text: text.to_string(), code: PROXY_FAILED }
}

/// The code of `env` and `timeout`, so that it is not taken for the server's.
const PROXY_FAILED: u8 = 125;
