//! When it is an alarm that actors are not verified.

/// The share of calls whose actors are not verified from which on it is an alarm: a record `auditrail.lifecycle` with the state
/// `degraded` and the `error.type` `actors_unverified`, and `recovered` when it is over. It needs an extractor to be configured.
///
/// An actor counts if it is anonymous or its credential does not verify it. An actor that is only asserted counts where some
/// extractor could have verified it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct UnverifiedAlarm {
    /// More than this share of the calls is an alarm (0.5). With 1 there is never one.
    pub share: f64,
    /// Of so many calls each (100): of fewer, a share says little.
    pub calls: u32,
}

impl Default for UnverifiedAlarm {
    /// Half: keys that cannot be fetched or a gateway that lost its header concern nearly all calls, single callers without a
    /// token far fewer.
    fn default() -> Self {
        Self { share: 0.5, calls: 100 }
    }
}

impl UnverifiedAlarm {
    /// The alarm for more than that share of that number of calls.
    #[must_use]
    pub const fn new(share: f64, calls: u32) -> Self {
        Self { share, calls }
    }
}
