//! The taps of a forward proxy, one for each server: every server has its own tools, sessions and ids.
//!
//! Invariant: there are at most [`MOST`] taps. A new one replaces the least recently used; its sessions end when their open
//! calls do.

use std::collections::HashMap;

use auditrail::capture::mcp::{McpLayer, McpService};
use auditrail::internals::TrailInside as _;
use auditrail::internals::locks::Mutex;
use tower_layer::Layer as _;

use super::service::Relay;

#[derive(Debug)]
pub(crate) struct OriginTaps {
    relay: Relay,
    most: usize,
    table: Mutex<OriginTable>,
}

#[derive(Debug, Default)]
struct OriginTable {
    origins: HashMap<String, OriginTap>,
    /// Counts uses.
    now: u64,
}

#[derive(Debug)]
struct OriginTap {
    layer: McpLayer,
    used: u64,
}

impl OriginTaps {
    pub(crate) fn new(relay: Relay) -> Self {
        Self::of_at_most(MOST, relay)
    }

    fn of_at_most(most: usize, relay: Relay) -> Self {
        Self { relay, most, table: Mutex::default() }
    }

    /// The tapped service for that server (`host:port`, in lower case).
    pub(crate) fn service(&self, authority: &str) -> McpService<Relay> {
        let (layer, forgotten) = self.layer(authority);
        // Not under the lock: the ends of its sessions are recorded.
        drop(forgotten);
        layer.layer(self.relay.clone())
    }

    fn layer(&self, authority: &str) -> (McpLayer, Option<OriginTap>) {
        let mut table = self.table.lock();
        table.now += 1;
        let now = table.now;
        if let Some(origin) = table.origins.get_mut(authority) {
            origin.used = now;
            return (origin.layer.clone(), None);
        }
        let oldest = table.origins.iter().min_by_key(|(_, origin)| origin.used).map(|(name, _)| name.clone());
        let oldest = oldest.filter(|_| table.origins.len() >= self.most);
        let forgotten = oldest.and_then(|name| table.origins.remove(&name));
        let layer = layer(&self.relay);
        table.origins.insert(authority.to_owned(), OriginTap { layer: layer.clone(), used: now });
        (layer, forgotten)
    }
}

/// A tap for one server.
pub(crate) fn layer(relay: &Relay) -> McpLayer {
    let trail = relay.trail();
    trail.mcp_layer_of_proxy(relay.holding()).record_http(relay.recording().clone())
}

/// More servers than the clients of one machine use. A tap takes some kilobytes, and up to some megabytes with its sessions.
const MOST: usize = 256;
