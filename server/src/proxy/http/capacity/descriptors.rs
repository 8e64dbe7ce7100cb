//! The number of connections that the limit of descriptors allows.

use rustix::process::{Resource, getrlimit};

/// How many connections are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// To clients, and as many to servers.
    pub(crate) most: usize,
    /// Of clients that are told that the limit is reached.
    pub(crate) margin: usize,
}

/// How many connections of clients the limit of this process allows.
pub(crate) fn max_connections() -> usize {
    Share::of_process().most
}

impl Share {
    /// From the current limit.
    pub(crate) fn of_process() -> Self {
        // None is no limit.
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

/// What the operator can do about a lack of room.
pub(crate) const MORE_ROOM: &str =
    "if all of them are wanted, raise `ulimit -n`, or `connections` of [http] where that is less";
/// A journal has about ten files open, and the streams of dead processes that it adopts take
/// [`ADOPTION_DESCRIPTORS`](auditrail::journal::ADOPTION_DESCRIPTORS) together; the collector's connections for records and spans,
/// the runtime's own descriptors, probes of health, and what a library's host has open come on top.
const LEAST_RESERVE: u64 = 64;
const MOST_RESERVE: u64 = 1024;
/// Such clients get an answer and are gone within seconds.
const MOST_MARGIN: u64 = 32;
/// Each connection may hold some 100 KiB of buffers: with more than this, memory ends before descriptors do.
const MOST: u64 = 10_000;
