//! Limits of every connection, to clients and to servers.

use std::time::Duration;

/// The size of a connection's buffer in each direction, and of the largest head of a request or response. A larger
/// buffer would not help event streams, and a thousand slow readers hold this much each.
pub(super) const BUFFER: usize = 64 * 1024;
/// hyper's own limit of 100 is below that of common servers.
pub(super) const MAX_HEADERS: usize = 1000;
/// TCP probes the peer after this much silence; a live peer may be silent forever.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(60);
