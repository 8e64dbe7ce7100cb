//! Runs `auditrail expect`.

use std::process::ExitCode;

use auditrail::testing::TestTrail;

use super::file::{self, Expected};
use crate::cli::args::ExpectArguments;
use crate::cli::outcome::{Failure, say};
use crate::cli::proxy;

/// Relays between a client and the server until one of them ends, then compares.
pub(in crate::cli) fn run(arguments: &ExpectArguments) -> Result<ExitCode, Failure> {
    let expected = file::read(&arguments.file).map_err(Failure::usage)?;
    let mut audited = None;
    let code = proxy::run_on(&arguments.proxy(), |builder| {
        let trail = TestTrail::start(builder)?;
        let handle = trail.trail().clone();
        audited = Some(trail);
        Ok(handle)
    })?;
    if code != 0 {
        say(&format!("the server ended with code {code}"));
    }
    let Some(trail) = audited else { return Err(Failure::failed("the trail did not start")) };
    Ok(compare(arguments, &expected, &trail))
}

/// Nothing can come any more, so nothing is waited for.
fn compare(arguments: &ExpectArguments, expected: &[Expected], trail: &TestTrail) -> ExitCode {
    let records = trail.all_records();
    let mut unmet = 0;
    for Expected { line, expectation } in expected {
        let Err(mismatch) = expectation.check(&records) else { continue };
        unmet += 1;
        let text = format!("{}:{line}: {mismatch}", arguments.file.display());
        text.lines().for_each(say);
    }
    say(&format!("{} of {} expectation(s) met", expected.len() - unmet, expected.len()));
    if unmet == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
