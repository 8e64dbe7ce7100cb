//! Records of a given length, clocks, medians, sinks.

use std::sync::Arc;
use std::time::Duration;

use auditrail::config::OtlpSettings;
use auditrail::record::{Encoder, Severity};
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use bytes::Bytes;

/// A record with twelve attributes, filled up to that many bytes.
pub(crate) fn record(length: usize) -> Vec<u8> {
    let encode = |fill: usize| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 1_767_225_600_000_000_000, &Severity::INFO);
        encoder.body("tools/call current_weather");
        TWELVE.iter().for_each(|(key, value)| encoder.text(key, value));
        encoder.int("client.port", 50_123);
        encoder.int("http.response.status_code", 200);
        encoder.text("auditrail.fill", &"x".repeat(fill));
        encoder.finish(None, 1_767_225_600_000_000_000, "auditrail.mcp.tools.call");
        bytes
    };
    (0..length).map(encode).find(|bytes| bytes.len() == length).expect("long enough for the attributes")
}

pub(crate) const TWELVE: [(&str, &str); 9] = [
    ("mcp.method.name", "tools/call"),
    ("gen_ai.tool.name", "current_weather"),
    ("audit.actor.id", "alice@example.com"),
    ("audit.actor.type", "user"),
    ("audit.outcome", "success"),
    ("audit.target.type", "city"),
    ("audit.target.id", "Lisbon"),
    ("auditrail.tenant.id", "blue"),
    ("auditrail.request.id", "7f9c24e8-3b12-4fef-91e0-56a2d5a5ad41"),
];

/// The lean record of an audited span and the full one, in bytes.
pub(crate) const LENGTHS: [usize; 2] = [640, 1054];

/// The median of what each candidate measures.
pub(crate) fn paired<const N: usize>(samples: usize, candidates: [&dyn Fn() -> f64; N]) -> [f64; N] {
    taking_turns(samples, candidates).map(|mut figures| median(&mut figures))
}

/// What each candidate measures, the candidates taking turns. The first round warms up.
pub(crate) fn taking_turns<const N: usize>(samples: usize, candidates: [&dyn Fn() -> f64; N]) -> [Vec<f64>; N] {
    let mut all: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(samples));
    for round in 0..=samples {
        for (candidate, figures) in candidates.iter().zip(&mut all) {
            let figure = candidate();
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    all
}

pub(crate) fn median(figures: &mut [f64]) -> f64 {
    quantile(figures, 0.5)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
pub(crate) fn quantile(figures: &mut [f64], quantile: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let index = (figures.len() as f64 * quantile) as usize;
    figures.get(index.min(figures.len() - 1)).copied().unwrap_or_default()
}

/// The CPU time of the calling thread.
pub(crate) fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

pub(crate) fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().ok().expect("few enough"))
}

/// A collector that is as it is said here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Null {
    /// Takes everything at once.
    Takes,
    /// Is away.
    Away,
    /// Never answers.
    Hole,
}

impl Connector for Null {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(*self))
    }
}

impl Sink for Null {
    fn export(&self, _: Bytes) -> ExportFuture<'_> {
        match self {
            Self::Takes => Box::pin(async { Ok(Accepted::default()) }),
            Self::Away => Box::pin(async { Err(ExportError::Retry { reason: "away".into(), after: None }) }),
            Self::Hole => Box::pin(std::future::pending()),
        }
    }
}
