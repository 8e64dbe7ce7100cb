//! One run of a scenario: a collector, an emitter, an oracle, and a folder for all of it.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::arrived::Arrived;
use crate::collector::Collector;
use crate::emitters::{Emitter, FLUSH};
use crate::error::Error;
use crate::oracle::Returned;
use crate::process::Process;
use crate::wait::until;

/// What a run needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) collector: PathBuf,
    pub(crate) quick: bool,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) collector: Collector,
    emitter: Emitter,
    returned: Returned,
    /// Emitter processes so far; each has ids of its own.
    starts: u64,
    // Last, so that the processes are gone before their files are.
    folder: TempDir,
}

/// The figures of one run.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) emitted: u64,
    pub(crate) arrived: u64,
    pub(crate) duplicates: u64,
    pub(crate) unacknowledged: u64,
    /// What the last emitter said of its end.
    pub(crate) said: String,
}

/// As many as the scenario lets it emit.
pub(crate) const ENDLESS: u64 = IDS_OF_A_PROCESS;

impl Field {
    pub(crate) fn new(setting: &Setting, emitter: Emitter) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("auditrail-compare-").tempdir();
        let folder = folder.map_err(Error::io("a temporary directory"))?;
        Ok(Self {
            collector: Collector::new(setting.collector.clone(), folder.path().join("collector"))?,
            emitter,
            returned: Returned::of(folder.path().join("oracle")),
            starts: 0,
            folder,
        })
    }

    /// Starts an emitter; a rate of 0 is as fast as it can.
    pub(crate) fn emit(&mut self, count: u64, rate: u64) -> Result<Process, Error> {
        let program = env::current_exe().map_err(Error::io("this program's own file"))?;
        let log = self.folder.path().join("emitter.log");
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            // Defaults are compared, not what this machine says to other programs.
            if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_")) {
                command.env_remove(name);
            }
        }
        command.env("AUDITRAIL_DIR", self.folder.path().join("journal"));
        let first = self.starts * IDS_OF_A_PROCESS;
        self.starts += 1;
        command
            .args(["emit", self.emitter.name(), &self.collector.endpoint()])
            .arg(self.returned.path())
            .args([first, count, rate].map(|number| number.to_string()))
            .stdin(Stdio::null())
            .stdout(file(&self.said())?)
            .stderr(file(&log)?);
        Process::start(&format!("the emitter {}", self.emitter.name()), &mut command, log)
    }

    /// Waits until the emission of that many more records than now has returned.
    pub(crate) fn more(&self, emitter: &mut Process, records: u64, rate: u64) -> Result<(), Error> {
        let goal = self.returned.count() + records;
        let nominal = Duration::from_secs(records.checked_div(rate).unwrap_or(0));
        until(&format!("{goal} records emitted"), nominal * 4 + PATIENCE, || {
            emitter.must_run()?;
            Ok(self.returned.count() >= goal)
        })
    }

    /// Starts the emitter once more, with nothing to emit: it ships what its journal holds, if it has one.
    pub(crate) fn recover(&mut self) -> Result<(), Error> {
        let emitter = self.emit(0, 0)?;
        self.end(emitter, 0, 0)
    }

    /// Lets the emitter end orderly, after so many more records.
    pub(crate) fn end(&self, emitter: Process, records: u64, rate: u64) -> Result<(), Error> {
        let nominal = Duration::from_secs(records.checked_div(rate).unwrap_or(0));
        emitter.finish(nominal * 4 + FLUSH * 2 + PATIENCE)
    }

    /// Counts, once everything is at rest.
    pub(crate) fn count(mut self) -> Result<Figures, Error> {
        self.collector.quiet()?;
        self.collector.stop()?;
        let ids = self.returned.ids()?;
        let arrived = Arrived::read(&self.collector.data())?;
        Ok(Figures {
            emitted: ids.len() as u64,
            arrived: arrived.of(&ids),
            duplicates: arrived.duplicates(),
            unacknowledged: arrived.beyond(&ids),
            // The port is another one each time, and says nothing.
            said: last_line(&self.said()).replace(&self.collector.endpoint(), "http://127.0.0.1:…"),
        })
    }

    fn said(&self) -> PathBuf {
        self.folder.path().join("emitter.said")
    }
}

fn file(path: &Path) -> Result<File, Error> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(Error::io(format!("opening {}", path.display())))
}

fn last_line(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().last().unwrap_or_default().to_owned()
}

const IDS_OF_A_PROCESS: u64 = 1_000_000_000;
/// For what has no rate: a burst, a start.
const PATIENCE: Duration = Duration::from_secs(60);
