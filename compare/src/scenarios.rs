//! What happens to collector and emitter, one function each.

use serde::{Deserialize, Serialize};

use crate::emitters::Emitter;
use crate::error::Error;
use crate::field::{ENDLESS, Field, Figures, Setting};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    Burst,
    Outage,
    EmitterKilled,
    CollectorKilled,
    BothKilled,
    SinkDown,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Burst, Self::Outage, Self::EmitterKilled, Self::CollectorKilled, Self::BothKilled, Self::SinkDown];

    /// On the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Outage => "outage",
            Self::EmitterKilled => "emitter-killed",
            Self::CollectorKilled => "collector-killed",
            Self::BothKilled => "both-killed",
            Self::SinkDown => "sink-down",
        }
    }

    /// In the table, in its full form.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Burst => "Burst: 200 000 records as fast as one thread can",
            Self::Outage => "Outage: collector stopped for 60 s under 5 000 records/s, then up again",
            Self::EmitterKilled => "Emitter killed: `kill -9` five times at 1 000 records/s, collector up",
            Self::CollectorKilled => "Collector killed: `kill -9` under 5 000 records/s, up again after 5 s",
            Self::BothKilled => "Both killed in turn: `kill -9` four times each at 2 000 records/s",
            Self::SinkDown => {
                "Sink down, emitter killed: 30 000 records at 3 000/s, `kill -9`, then the collector comes up"
            }
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    /// Emitters side by side would take the processor from each other.
    pub(crate) const fn needs_the_machine(self) -> bool {
        matches!(self, Self::Burst)
    }

    pub(crate) fn run(self, setting: &Setting, emitter: Emitter) -> Result<Figures, Error> {
        let quick = setting.quick;
        let mut field = Field::new(setting, emitter)?;
        match self {
            Self::Burst => burst(&mut field, if quick { 20_000 } else { 200_000 }),
            Self::Outage => outage(&mut field, if quick { 5 } else { 60 }),
            Self::EmitterKilled => emitter_killed(&mut field, if quick { 1 } else { 5 }),
            Self::CollectorKilled => collector_killed(&mut field, if quick { 2 } else { 10 }),
            Self::BothKilled => both_killed(&mut field, if quick { 1 } else { 4 }),
            Self::SinkDown => sink_down(&mut field, if quick { 6_000 } else { 30_000 }),
        }?;
        field.count()
    }
}

/// The collector is up all the time; the emitter ends orderly.
fn burst(field: &mut Field, records: u64) -> Result<(), Error> {
    field.collector.start()?;
    let emitter = field.emit(records, 0)?;
    field.end(emitter, records, 0)
}

/// The collector is stopped, and started again on the same port. The length is that of its absence.
fn outage(field: &mut Field, seconds: u64) -> Result<(), Error> {
    const RATE: u64 = 5_000;
    field.collector.start()?;
    let mut emitter = field.emit((seconds + 2 * AROUND) * RATE, RATE)?;
    field.more(&mut emitter, AROUND * RATE, RATE)?;
    field.collector.stop()?;
    field.more(&mut emitter, seconds * RATE, RATE)?;
    field.collector.start()?;
    field.end(emitter, AROUND * RATE, RATE)
}

/// The emitter is killed in the middle and started again; the last start has nothing to emit and ends orderly.
fn emitter_killed(field: &mut Field, kills: u64) -> Result<(), Error> {
    const RATE: u64 = 1_000;
    field.collector.start()?;
    for kill in 0..kills {
        let mut emitter = field.emit(ENDLESS, RATE)?;
        // Each time at another point between two batches of an exporter that ships once a second.
        field.more(&mut emitter, 3 * RATE + kill * 170, RATE)?;
        drop(emitter);
    }
    field.recover()
}

/// The collector is killed in the middle and started again five seconds later; the emitter ends orderly.
fn collector_killed(field: &mut Field, seconds_around: u64) -> Result<(), Error> {
    const RATE: u64 = 5_000;
    const AWAY: u64 = 5;
    field.collector.start()?;
    let mut emitter = field.emit((2 * seconds_around + AWAY) * RATE, RATE)?;
    field.more(&mut emitter, seconds_around * RATE, RATE)?;
    field.collector.kill();
    field.more(&mut emitter, AWAY * RATE, RATE)?;
    field.collector.start()?;
    field.end(emitter, seconds_around * RATE, RATE)
}

/// Collector, emitter, collector, … are killed and started again; the last emitter ends orderly.
fn both_killed(field: &mut Field, rounds: u64) -> Result<(), Error> {
    const RATE: u64 = 2_000;
    field.collector.start()?;
    for _ in 0..rounds {
        let mut emitter = field.emit(ENDLESS, RATE)?;
        field.more(&mut emitter, 2 * RATE, RATE)?;
        field.collector.kill();
        field.more(&mut emitter, 2 * RATE, RATE)?;
        field.collector.start()?;
        field.more(&mut emitter, 2 * RATE, RATE)?;
        drop(emitter);
    }
    let emitter = field.emit(2 * RATE, RATE)?;
    field.end(emitter, 2 * RATE, RATE)
}

/// There is no collector while the emitter emits and is killed; then it comes up, and the emitter is started again,
/// with nothing to emit.
fn sink_down(field: &mut Field, records: u64) -> Result<(), Error> {
    const RATE: u64 = 3_000;
    let mut emitter = field.emit(ENDLESS, RATE)?;
    field.more(&mut emitter, records, RATE)?;
    drop(emitter);
    field.collector.start()?;
    field.recover()
}

/// Seconds with the collector up before and after an outage.
const AROUND: u64 = 3;
