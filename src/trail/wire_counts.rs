//! Counters of what the taps have seen, and of what they left out.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a tap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg(feature = "mcp")]
pub enum WireCounter {
    /// A message.
    Message,
    /// One that cannot be understood.
    Flawed,
    /// An answer to nothing that is open.
    Unasked,
    /// A call that made room for another.
    Evicted,
    /// A body that could not be read.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "stdio has no bodies"))]
    Unread,
    /// A call that came once more when a client took up its stream again.
    Replayed,
    /// A session that made room for another.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "stdio has one session"))]
    EvictedSession,
    /// A message into which its span could not be written.
    #[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "only the proxy writes into messages"))]
    Unjoined,
    /// A request for which there was no connection.
    #[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "only the proxy has connections"))]
    TurnedAway,
}

/// What the taps of a trail have seen on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WireCounts {
    /// Messages of any kind, in both directions.
    pub messages: u64,
    /// Anything that is not a JSON-RPC message. Each of the first ones has its own record; beyond a bound, one record counts many.
    pub flawed: u64,
    /// Answers that match no open call: late, repeated or forged. They have no record.
    pub unasked: u64,
    /// Calls that were ended as unanswered because too many were open.
    pub evicted: u64,
    /// Bodies that were not read: their encoding is unknown, or they expand beyond the bound.
    pub unread: u64,
    /// Messages that a server repeated after a reconnection. They have no second record.
    pub replayed: u64,
    /// HTTP sessions that were closed because too many were open. Their open calls were ended as unanswered.
    pub evicted_sessions: u64,
    /// Messages too large for a proxy to hold and write their span into; the server received them unchanged.
    pub unjoined: u64,
    /// HTTP requests that a proxy answered with 503 because too many connections were in use. Their calls have records.
    pub turned_away: u64,
}

/// The counters of one trail.
#[derive(Debug, Default)]
pub struct WireCounters([AtomicU64; 9]);

impl WireCounters {
    #[cfg(feature = "mcp")]
    pub fn add(&self, what: WireCounter) {
        if let Some(counter) = self.0.get(what as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> WireCounts {
        let [messages, flawed, unasked, evicted, unread, replayed, evicted_sessions, unjoined, turned_away] =
            self.0.each_ref().map(|counter| counter.load(Ordering::Relaxed));
        WireCounts { messages, flawed, unasked, evicted, unread, replayed, evicted_sessions, unjoined, turned_away }
    }
}
