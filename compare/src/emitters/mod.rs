//! The emitters that are compared, each in a process of its own: this program again, as `emit`.

mod emit_otlp;
mod sdk;
mod trail;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::oracle::Oracle;

/// Which exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Emitter {
    Auditrail,
    Sdk,
    SdkRaisedQueue,
    EmitOtlp,
}

impl Emitter {
    pub(crate) const ALL: [Self; 4] = [Self::Auditrail, Self::Sdk, Self::SdkRaisedQueue, Self::EmitOtlp];

    /// On the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auditrail => "auditrail",
            Self::Sdk => "sdk",
            Self::SdkRaisedQueue => "sdk-raised-queue",
            Self::EmitOtlp => "emit_otlp",
        }
    }

    /// In the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Auditrail => "auditrail",
            Self::Sdk => "OTel SDK",
            Self::SdkRaisedQueue => "OTel SDK, queue of 1 000 000",
            Self::EmitOtlp => "emit_otlp",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|emitter| emitter.name() == name)
    }
}

/// What one emitter process does.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) emitter: Emitter,
    pub(crate) endpoint: String,
    pub(crate) oracle: PathBuf,
    /// The id of the first record.
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Records a second; 0 is as fast as one thread can.
    pub(crate) rate: u64,
}

/// An exporter that was set up.
trait Exporter {
    /// Emits one record. When it returns, the caller believes that the record is taken care of.
    fn emit(&self, id: i64);

    /// The orderly end, with [`FLUSH`] to ship what is left; what the exporter says of it.
    fn end(self: Box<Self>) -> String;
}

/// Emits, ends orderly, and prints what the exporter said of its end. With a count of 0 it only starts and ends: what
/// an earlier process left behind, if there is anything that could hold it, is shipped.
pub(crate) fn run(task: &Task) -> Result<(), Error> {
    let mut oracle = Oracle::append_to(&task.oracle)?;
    let exporter: Box<dyn Exporter> = match task.emitter {
        Emitter::Auditrail => Box::new(trail::Auditrail::start(&task.endpoint)?),
        Emitter::Sdk => Box::new(sdk::Sdk::start(&task.endpoint, None)?),
        Emitter::SdkRaisedQueue => Box::new(sdk::Sdk::start(&task.endpoint, Some(RAISED_QUEUE))?),
        Emitter::EmitOtlp => Box::new(emit_otlp::EmitOtlp::start(&task.endpoint)),
    };
    let begun = Instant::now();
    for number in 0..task.count {
        if let Some(micros) = (number * 1_000_000).checked_div(task.rate) {
            thread::sleep(Duration::from_micros(micros).saturating_sub(begun.elapsed()));
        }
        let id = task.first + number;
        exporter.emit(i64::try_from(id).map_err(|_| Error::Usage(format!("{id} is too large for an id")))?);
        oracle.returned(id)?;
    }
    let said = exporter.end();
    writeln!(io::stdout(), "{}", said.lines().next().unwrap_or_default()).map_err(Error::io("saying how it ended"))
}

/// What every exporter is given to ship what is left.
pub(crate) const FLUSH: Duration = Duration::from_secs(30);

const RAISED_QUEUE: usize = 1_000_000;
const SERVICE: &str = "compare";
const TOOL: &str = "close_ticket";
const TARGET_ID: &str = "ticket-4711";
