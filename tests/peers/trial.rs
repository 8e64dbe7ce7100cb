//! A test that may be impossible on this machine, and says so.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Trial};

use super::{Peer, Peers};

/// A test that needs these peers. `body` runs in a runtime of its own.
pub(crate) fn trial<F>(name: &str, needs: &'static [Peer], body: impl FnOnce(Peers) -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    trial_where(name, || Peers::with(needs), body)
}

/// A test that needs something else of the machine; `possible` says what is missing, and what to do about it.
pub(crate) fn trial_where<T, F>(
    name: &str,
    possible: impl FnOnce() -> Result<T, String> + Send + 'static,
    body: impl FnOnce(T) -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::ignorable_test(name, move || match possible() {
        Ok(found) => {
            runtime().block_on(body(found));
            Ok(Completion::Completed)
        }
        Err(missing) if is_ci() => Err(format!("it does not run, {missing}; with CI set nothing is left out").into()),
        Err(missing) => {
            MISSING.lock().unwrap_or_else(PoisonError::into_inner).insert(missing.clone());
            Ok(Completion::ignored_with(missing))
        }
    })
}

/// A test of ours, beside those: libtest does not collect what is marked `#[test]` in such a binary.
pub(crate) fn own(name: &str, body: fn()) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}

/// The `main` of such a binary, with the arguments that `cargo test` passes on.
#[allow(clippy::print_stdout, reason = "where the report of the tests stands")]
pub(crate) fn run(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    // Paths of peers and examples are those of the repository, whichever package the test is of.
    std::env::set_current_dir(repository()).unwrap();
    let quiet = arguments.quiet;
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Otherwise the reason stands beside each name.
    if quiet {
        for missing in &*MISSING.lock().unwrap_or_else(PoisonError::into_inner) {
            println!("ignored, {missing}");
        }
    }
    conclusion.exit_code()
}

/// The top of the repository: that of the library's package.
fn repository() -> &'static Path {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find(|folder| folder.join("tests/peers/install").exists()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// As most programs understand the variable.
fn is_ci() -> bool {
    let value = std::env::var("CI").unwrap_or_default();
    !matches!(value.as_str(), "" | "0" | "false")
}

static MISSING: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
