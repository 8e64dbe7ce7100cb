//! The command line.

use crate::emitters::{Emitter, Task};
use crate::error::Error;
use crate::scenarios::Scenario;

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Compare(Options),
    /// The harness asks this of itself: one emitter.
    Emit(Task),
    Help,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) emitters: Vec<Emitter>,
    pub(crate) quick: bool,
    pub(crate) write: bool,
    pub(crate) kill_matrix: bool,
}

pub(crate) const HELP: &str = "\
Counts what arrives at a real collector of what was emitted, and prints a table.

  cargo run --release --package auditrail-compare -- [OPTION | SCENARIO | EMITTER]...

  --quick            a short form, of about a minute
  --write            put the figures into compare/results.json and docs/compare.md
  --kill-matrix      plant bugs into the journal instead and print which test finds each (tests/kill-matrix)

Scenarios (default: all): burst, outage, emitter-killed, collector-killed, both-killed, sink-down
Emitters (default: all):  auditrail, sdk, sdk-raised-queue, emit_otlp

The collector is that of `tests/peers/install otelcol`; PEERS_CACHE names another cache.";

impl Command {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Error> {
        match arguments {
            [emit, rest @ ..] if emit == "emit" => task(rest).map(Self::Emit),
            _ if arguments.iter().any(|argument| argument == "--help" || argument == "-h") => Ok(Self::Help),
            _ => Options::parse(arguments).map(Self::Compare),
        }
    }
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Error> {
        let mut options =
            Self { scenarios: Vec::new(), emitters: Vec::new(), quick: false, write: false, kill_matrix: false };
        for argument in arguments {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--write" => options.write = true,
                "--kill-matrix" => options.kill_matrix = true,
                name => match (Scenario::named(name), Emitter::named(name)) {
                    (Some(scenario), _) => options.scenarios.push(scenario),
                    (_, Some(emitter)) => options.emitters.push(emitter),
                    _ => return Err(Error::Usage(format!("'{name}' is no option, scenario or emitter"))),
                },
            }
        }
        if options.quick && options.write {
            return Err(Error::Usage(
                "the document holds figures of the full form only: --quick or --write".to_owned(),
            ));
        }
        if options.scenarios.is_empty() {
            options.scenarios = Scenario::ALL.to_vec();
        }
        if options.emitters.is_empty() {
            options.emitters = Emitter::ALL.to_vec();
        }
        Ok(options)
    }
}

fn task(arguments: &[String]) -> Result<Task, Error> {
    let [emitter, endpoint, oracle, numbers @ ..] = arguments else { return Err(wrong_task()) };
    let numbers = numbers.iter().map(|number| number.parse().map_err(|_| wrong_task()));
    let [first, count, rate] = *numbers.collect::<Result<Vec<u64>, _>>()? else { return Err(wrong_task()) };
    let emitter = Emitter::named(emitter).ok_or_else(wrong_task)?;
    Ok(Task { emitter, endpoint: endpoint.clone(), oracle: oracle.into(), first, count, rate })
}

fn wrong_task() -> Error {
    Error::Usage("emit wants: EMITTER ENDPOINT ORACLE FIRST-ID COUNT RATE".to_owned())
}
