//! Runs `auditrail policy`.

use std::path::Path;
use std::process::ExitCode;

use auditrail::policy::Policy;
use serde_json::json;

use super::{call, cases, explained};
use crate::cli::args::{CallArguments, Format, PolicyArguments, PolicyCommand};
use crate::cli::outcome::{Answer, Failure, print, say};
use crate::config::file::ConfigFile;

/// Checks, explains or tests a policy.
pub(in crate::cli) fn run(command: &PolicyCommand) -> Result<ExitCode, Failure> {
    match command {
        PolicyCommand::Check { policy, format } => check(&read(policy)?, *format).and_then(print),
        PolicyCommand::Explain { policy, call, format } => explain(&read(policy)?, call, *format).and_then(print),
        PolicyCommand::Test { policy, cases } => test(&read(policy)?, cases),
    }
}

fn read(arguments: &PolicyArguments) -> Result<Policy, Failure> {
    if arguments.proxy {
        return ConfigFile::read(&arguments.file).map(|file| file.policy().clone()).map_err(Failure::usage);
    }
    Policy::from_file(&arguments.file).map_err(Failure::usage)
}

fn check(policy: &Policy, format: Format) -> Result<Answer, Failure> {
    let (id, digest, rules) = (policy.id(), policy.digest(), policy.rules());
    Ok(match format {
        Format::Json => Answer::json(&json!({ "id": id, "digest": digest, "rules": rules }), true),
        Format::Human => Answer::new(format!("{id}: {rules} rule(s), {digest}\n"), true),
    })
}

fn explain(policy: &Policy, call: &CallArguments, format: Format) -> Result<Answer, Failure> {
    let (facts, outcome) = call::read(call).map_err(Failure::usage)?;
    let explanation = policy.explain(&facts, outcome.as_ref());
    Ok(match format {
        Format::Json => Answer::json(&explained::json_of(policy, &explanation), true),
        Format::Human => Answer::new(explanation.to_string(), true),
    })
}

/// The exit code is 0 only if all cases are decided as expected.
fn test(policy: &Policy, path: &Path) -> Result<ExitCode, Failure> {
    let cases = cases::read(path).map_err(Failure::usage)?;
    let mut wrong = 0;
    for case in &cases {
        let differences = case.differences(policy);
        if !differences.is_empty() {
            wrong += 1;
            say(&format!("{}:{}: {}: {}", path.display(), case.line, case.name(), differences.join("; ")));
        }
    }
    say(&format!("{} of {} case(s) as expected", cases.len() - wrong, cases.len()));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
