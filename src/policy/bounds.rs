//! What others can make a trail pay.

/// Bounds on what clients and servers cost. What is beyond is counted, and told; no call is left out for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// How many records of their own the elements of one message may have that are no messages. All others are counted on
    /// records like these (`auditrail.mcp.flawed.count`).
    pub garbage_per_message: u32,
    /// How many records of their own such things may have that come over one connection within a second.
    pub garbage_per_second: u32,
    /// How many bytes of what stands on all records of a connection or HTTP request (what its headers say, and what the client
    /// says of itself) may be written for each byte that comes. Beyond, long values are cut to 64 bytes on further records.
    pub repeated_per_byte: u64,
    /// Bytes of bodies that a proxy holds back at once, of all clients. Beyond, requests are answered with 503.
    pub held_bytes: u64,
    /// Sessions over HTTP that are known at once. One more closes the one that was used longest ago.
    pub sessions: usize,
    /// Calls that are open at once over HTTP. One more ends the oldest of its connection or session, as unanswered.
    pub open_calls: u64,
}

impl Default for Bounds {
    /// Ten show of what kind it is, and no client sends more by mistake. A hundred lines a second that nobody understands are
    /// typed by nobody; a flood of them costs the journal less than 100 kB a second then. A call of 150 bytes, which is a small
    /// one, may repeat 1.2 kB on each of its two records: three times what usual clients say of themselves. Sixteen bodies of the largest size
    /// that is held are more than a proxy that refuses calls has at once, and fit into a small container. More than ten
    /// thousand sessions, of 2 kB each, one server has seldom; nor has it 65 536 calls open, which take 2 kB each, too.
    ///
    /// From half of these on, no client has more than what is left for others.
    fn default() -> Self {
        Self {
            garbage_per_message: 10,
            garbage_per_second: 100,
            repeated_per_byte: 16,
            held_bytes: 64 << 20,
            sessions: 10_000,
            open_calls: 65_536,
        }
    }
}
