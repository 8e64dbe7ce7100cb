//! The counters of the shipper.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use tokio::time::Instant;

use crate::locks::Mutex;

/// Counters that only grow, and requests in flight. Shared with the trail, which reports them.
#[derive(Debug, Default)]
pub struct ShipStats {
    delivered: AtomicU64,
    quarantined: AtomicU64,
    requests: AtomicU64,
    failed_requests: AtomicU64,
    bytes: AtomicU64,
    in_flight: AtomicU64,
    export_nanos: AtomicU64,
    export_buckets: [AtomicU64; EXPORT_SECONDS_BOUNDS.len() + 1],
    histograms: Mutex<Vec<Histogram<f64>>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StatsSnapshot {
    /// Records that the sink accepted, counted when they are settled.
    pub delivered: u64,
    /// Records that the sink refused for good, counted when they are quarantined and settled.
    pub quarantined: u64,
    /// Requests that ended, retries included.
    pub requests: u64,
    /// Ended requests that the sink did not accept.
    pub failed_requests: u64,
    /// Bytes of ended requests, before compression.
    pub bytes: u64,
    /// Requests that wait for an answer now.
    pub in_flight: u64,
    /// The total duration of ended requests.
    pub export_duration: Duration,
    /// A histogram of durations: requests that took at most the bound at that index in [`EXPORT_SECONDS_BOUNDS`] and
    /// more than the previous one. The last bucket has no bound.
    pub export_buckets: [u64; EXPORT_SECONDS_BOUNDS.len() + 1],
}

/// The bounds of the histogram of request durations, in seconds: those of `http.client.request.duration` in the OTel
/// semantic conventions.
pub const EXPORT_SECONDS_BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl ShipStats {
    /// Reads the counters.
    #[must_use]
    pub fn snapshot(&self) -> StatsSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StatsSnapshot {
            delivered: read(&self.delivered),
            quarantined: read(&self.quarantined),
            requests: read(&self.requests),
            failed_requests: read(&self.failed_requests),
            bytes: read(&self.bytes),
            in_flight: read(&self.in_flight),
            export_duration: Duration::from_nanos(read(&self.export_nanos)),
            export_buckets: self.export_buckets.each_ref().map(read),
        }
    }

    /// Also records the duration of each request, in seconds, in that instrument. A request that the sink did not
    /// accept has an `error.type`.
    pub fn record_in(&self, durations: Histogram<f64>) {
        self.histograms.lock().push(durations);
    }

    pub(super) fn settled(&self, delivered: u64, quarantined: u64) {
        self.delivered.fetch_add(delivered, Ordering::Relaxed);
        self.quarantined.fetch_add(quarantined, Ordering::Relaxed);
    }

    /// A request begins; it is counted when it ends. A request whose future is dropped is not counted.
    pub(super) fn request(self: &Arc<Self>, bytes: usize) -> InFlightRequest {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlightRequest { stats: self.clone(), bytes: bytes as u64, began: Instant::now() }
    }

    fn ended(&self, bytes: u64, taken: bool, duration: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.failed_requests.fetch_add(u64::from(!taken), Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.export_nanos.fetch_add(nanos, Ordering::Relaxed);
        let bucket = EXPORT_SECONDS_BOUNDS.iter().take_while(|bound| duration.as_secs_f64() > **bound).count();
        if let Some(bucket) = self.export_buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        // OTel semantic conventions: "_OTHER" if there is no name for the error.
        let failed = [KeyValue::new("error.type", "_OTHER")];
        let attributes: &[KeyValue] = if taken { &[] } else { &failed };
        for histogram in &*self.histograms.lock() {
            histogram.record(duration.as_secs_f64(), attributes);
        }
    }
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct InFlightRequest {
    stats: Arc<ShipStats>,
    bytes: u64,
    began: Instant,
}

impl InFlightRequest {
    pub(super) fn ended(self, taken: bool) {
        self.stats.ended(self.bytes, taken, self.began.elapsed());
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        self.stats.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
