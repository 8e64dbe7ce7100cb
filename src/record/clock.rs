//! The seam to time.

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The source of times; tests and simulations replace it.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Nanoseconds since 1970 by the wall clock, 0 before it.
    fn unix_nano(&self) -> u64;

    /// Nanoseconds since some moment in the past, never decreasing; for durations.
    fn monotonic_nano(&self) -> u64;

    /// Both clocks, read at the same moment.
    fn now(&self) -> ClockReading {
        ClockReading { unix_nano: self.unix_nano(), monotonic_nano: self.monotonic_nano() }
    }
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockReading {
    /// Wall clock, as [`Clock::unix_nano`].
    pub unix_nano: u64,
    /// Monotonic clock, as [`Clock::monotonic_nano`].
    pub monotonic_nano: u64,
}

impl ClockReading {
    /// The moment at which the monotonic clock shows that value, if it is so soon afterwards that neither a correction of the wall
    /// clock nor a suspended machine can matter; the wall clock then need not be read.
    #[must_use]
    pub fn soon_after(&self, monotonic_nano: u64) -> Option<Self> {
        let passed = monotonic_nano.checked_sub(self.monotonic_nano).filter(|passed| *passed < SOON_NANO)?;
        Some(Self { unix_nano: self.unix_nano.saturating_add(passed), monotonic_nano })
    }
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

    /// Reads the wall clock only every now and then: each reading is a measurable part of what an audited span costs.
    fn now(&self) -> ClockReading {
        thread_local!(static LAST: Cell<ClockReading> = const { Cell::new(ClockReading { unix_nano: 0, monotonic_nano: 0 }) });
        let monotonic_nano = self.monotonic_nano();
        let last = LAST.get();
        let known = if last.unix_nano == 0 { None } else { last.soon_after(monotonic_nano) };
        known.unwrap_or_else(|| {
            let now = ClockReading { unix_nano: self.unix_nano(), monotonic_nano };
            LAST.set(now);
            now
        })
    }
}

/// Ten milliseconds.
const SOON_NANO: u64 = 10_000_000;
