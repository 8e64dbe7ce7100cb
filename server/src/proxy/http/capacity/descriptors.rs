//! The number of connections that the limit of descriptors allows.

use rustix::process::{Resource, getrlimit};

/// The numbers of connections that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// For clients, and as many for servers.
    pub(crate) most: usize,
    /// For clients that are only told that the limit is reached.
    pub(crate) margin: usize,
}

/// The number of clients' connections that this process's limit allows.
pub(crate) fn max_connections() -> usize {
    ConnectionLimits::of_process().most
}

impl ConnectionLimits {
    /// Computed from the current limit.
    pub(crate) fn of_process() -> Self {
        // `None` means no limit.
        Self::of(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
    }

    pub(crate) fn of(limit: u64) -> Self {
        let reserve = (limit / 8).clamp(LEAST_RESERVE, MOST_RESERVE).min(limit / 2);
        let margin = (limit / 32).clamp(2, MOST_MARGIN);
        let most = (limit.saturating_sub(reserve + margin) / 2).clamp(1, MOST);
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self { most: number(most), margin: number(margin) }
    }
}

/// What the operator can do if there is no room.
pub(crate) const MORE_ROOM: &str =
    "if all of them are wanted, raise `ulimit -n`, or `connections` of [http] where that is less";
/// A journal has about ten files open, and the streams of dead processes that it adopts take
/// [`ADOPTION_DESCRIPTORS`](auditrail::journal::ADOPTION_DESCRIPTORS) together; the collector's connections for records and spans,
/// the runtime's own descriptors, probes of health, and what a library's host has open come on top.
const LEAST_RESERVE: u64 = 64;
const MOST_RESERVE: u64 = 1024;
/// Such clients get an answer and leave within seconds.
const MOST_MARGIN: u64 = 32;
/// Each connection may hold some 100 KiB of buffers: beyond this number, memory runs out before descriptors do.
const MOST: u64 = 10_000;
