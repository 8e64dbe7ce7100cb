//! Limits records of what a client sends over one connection that is not a message.

use std::collections::HashMap;
use std::sync::Arc;

use super::garbage_counter::GarbageCounter;
use crate::locks::Mutex;
use crate::trail::{Bounds, Client, ClientKey, Core, MessageFacts};

/// How much of it has its own record in this second, and what is counted beyond that. The rest is reported when the
/// connection is closed.
#[derive(Debug, Default)]
pub struct GarbageRate {
    second: Mutex<RateWindow>,
    counted: Mutex<Option<GarbageCounts>>,
}

#[derive(Debug, Default)]
struct RateWindow {
    /// Monotonic nanoseconds.
    begun: u64,
    count: u32,
}

/// Per client: the connection of a hop carries messages of several.
#[derive(Debug)]
struct GarbageCounts {
    core: Arc<Core>,
    of: HashMap<Option<ClientKey>, GarbageCounter>,
}

impl GarbageRate {
    pub(super) fn has_own(&self, now: u64, bounds: &Bounds) -> bool {
        let mut second = self.second.lock();
        if second.count == 0 || now.saturating_sub(second.begun) >= SECOND {
            *second = RateWindow { begun: now, count: 0 };
        }
        second.count = second.count.saturating_add(1);
        second.count <= bounds.garbage_per_second
    }

    /// Counts one more of that client that has no record of its own.
    pub(super) fn count(
        &self,
        core: &Arc<Core>,
        client: Option<&Client>,
        is_json: bool,
        facts: impl FnOnce() -> MessageFacts,
    ) {
        let (before, due) = {
            let mut counted = self.counted.lock();
            let counted = counted.get_or_insert_with(|| GarbageCounts { core: core.clone(), of: HashMap::new() });
            let client = client.map(|client| client.key().clone());
            let is_one_too_many = counted.of.len() >= MOST_CLIENTS && !counted.of.contains_key(&client);
            let before = if is_one_too_many { std::mem::take(&mut counted.of) } else { HashMap::new() };
            (before, counted.of.entry(client).or_default().count(is_json, facts))
        };
        // Not under the lock, because it writes records.
        before.into_values().for_each(|mut noise| noise.end().for_each(|told| told.tell(core)));
        due.into_iter().for_each(|told| told.tell(core));
    }
}

impl Drop for GarbageRate {
    fn drop(&mut self) {
        let counted = self.counted.get_mut().take();
        let Some(GarbageCounts { core, of }) = counted else { return };
        of.into_values().for_each(|mut noise| noise.end().for_each(|told| told.tell(&core)));
    }
}

pub(super) const SECOND: u64 = 1_000_000_000;
/// More clients than send garbage over one connection within a short time.
const MOST_CLIENTS: usize = 64;
