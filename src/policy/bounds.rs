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
}

impl Default for Bounds {
    /// Ten show of what kind it is, and no client sends more by mistake. A hundred lines a second that nobody understands are
    /// typed by nobody; a flood of them costs the journal less than 100 kB a second then.
    fn default() -> Self {
        Self { garbage_per_message: 10, garbage_per_second: 100 }
    }
}
