//! The seam to time.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where times come from; a simulation brings its own.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Nanoseconds since 1970 by the wall clock, 0 before it.
    fn unix_nano(&self) -> u64;

    /// Nanoseconds since some moment in the past, never going back: for durations.
    fn monotonic_nano(&self) -> u64;
}

/// The system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam that everybody else must use")]
    fn unix_nano(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic_nano(&self) -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
