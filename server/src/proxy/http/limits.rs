//! Limits of every connection, to clients and to servers.

use std::time::Duration;

/// What a connection buffers in each direction: also the largest head of a request or response. A larger buffer would bring
/// event streams nothing, and a thousand slow readers hold this much each.
pub(super) const BUFFER: usize = 64 * 1024;
/// hyper's own limit of 100 is less than what servers take.
pub(super) const MAX_HEADERS: usize = 1000;
/// TCP probes the peer after this much silence; a peer that is alive may be silent for ever.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(60);
