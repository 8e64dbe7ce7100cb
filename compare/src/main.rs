//! What arrives at a real collector of what was emitted: auditrail beside other exporters, while collector and emitter
//! are stopped and killed.
//!
//! `cargo run --release --package auditrail-compare -- --help`; the figures and what they mean: `docs/compare.md`.
//!
//! | module | its one job |
//! |---|---|
//! | `scenarios` | what happens, one function each |
//! | `field` | one run: collector, emitter, oracle, and the figures in the end |
//! | `emitters` | the exporters, each in a process of its own |
//! | `collector`, `process`, `wait` | starting, stopping, killing, waiting for what can be seen |
//! | `oracle`, `arrived` | what was emitted, what is there |
//! | `results`, `document`, `machine` | the figures, where people read them, and on what they were measured |

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

mod arrived;
mod collector;
mod document;
mod emitters;
mod error;
mod field;
mod machine;
mod options;
mod oracle;
mod process;
mod results;
mod scenarios;
#[cfg(test)]
mod tests;
mod wait;

use std::process::ExitCode;
use std::thread;

use crate::emitters::Emitter;
use crate::error::Error;
use crate::field::Setting;
use crate::machine::Machine;
use crate::options::{Command, HELP, Options};
use crate::results::{Results, Row};
use crate::scenarios::Scenario;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match Command::parse(&arguments) {
        Ok(Command::Compare(options)) => compare(&options),
        Ok(Command::Emit(task)) => emitters::run(&task),
        Ok(Command::Help) => {
            println!("{HELP}");
            Ok(())
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auditrail-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options) -> Result<(), Error> {
    if options.kill_matrix {
        let table = kill_matrix()?;
        print!("{table}");
        return if options.write { document::write_kill_matrix(&table) } else { Ok(()) };
    }
    let setting = Setting { collector: collector::installed()?, quick: options.quick };
    wait::stop_at_signals()?;
    let mut results = Results::load(Machine::this(&setting.collector))?;
    println!("{:<17} {:<17} arrived of emitted", "scenario", "emitter");
    for scenario in &options.scenarios {
        for row in measure(*scenario, &options.emitters, &setting)? {
            results.put(row);
            // At once: a later scenario may fail.
            if options.write {
                results.save()?;
                document::write(&results)?;
            }
        }
    }
    Ok(())
}

/// What `tests/kill-matrix` prints: which test finds which planted bug of the journal.
fn kill_matrix() -> Result<String, Error> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/kill-matrix");
    let output = std::process::Command::new(script).arg("--markdown").stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(Error::io(script))?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(table) } else { Err(Error::KillMatrix(table)) }
}

/// One scenario with each of the emitters; in the short form side by side, where that changes little.
fn measure(scenario: Scenario, emitters: &[Emitter], setting: &Setting) -> Result<Vec<Row>, Error> {
    if !setting.quick || scenario.needs_the_machine() {
        return emitters.iter().map(|emitter| row(scenario, *emitter, setting)).collect();
    }
    thread::scope(|scope| {
        let runs: Vec<_> =
            emitters.iter().map(|emitter| scope.spawn(move || row(scenario, *emitter, setting))).collect();
        let rows = runs.into_iter().map(|run| run.join().unwrap_or(Err(Error::Interrupted)));
        rows.collect()
    })
}

fn row(scenario: Scenario, emitter: Emitter, setting: &Setting) -> Result<Row, Error> {
    let load = machine::load();
    let figures = scenario.run(setting, emitter)?;
    let (share, missing) = (document::share(figures.arrived, figures.emitted), figures.emitted - figures.arrived);
    println!(
        "{:<17} {:<17} {share}; missing {missing}, twice {}, not acknowledged {}; {}",
        scenario.name(),
        emitter.name(),
        figures.duplicates,
        figures.unacknowledged,
        figures.said
    );
    Ok(Row {
        scenario,
        emitter,
        emitted: figures.emitted,
        arrived: figures.arrived,
        duplicates: figures.duplicates,
        unacknowledged: figures.unacknowledged,
        said: figures.said,
        date: machine::today(),
        load,
    })
}
