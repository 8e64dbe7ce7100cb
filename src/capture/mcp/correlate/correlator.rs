//! What all connections of one server share.

use std::sync::Arc;

use super::super::message::ScanOptions;
use super::continuations::Continuations;
use super::pending_call::PendingCall;
use super::tools::KnownTools;
use crate::locks::{Mutex, MutexGuard};
use crate::record::{Detail, Outcome, error_type};
use crate::trail::{self, Client, Core, DigestClass, WireCounter};

/// The shared state of all connections of one server. Clones share it.
#[derive(Debug, Clone)]
pub struct Correlator(Arc<CorrelatorInner>);

#[derive(Debug)]
struct CorrelatorInner {
    core: Arc<Core>,
    reading: Arc<ScanOptions>,
    /// Identifies the key of the digests of states.
    key_id: String,
    tools: Mutex<KnownTools>,
    continuations: Mutex<Continuations>,
}

impl Correlator {
    /// Creates it for one server.
    pub fn new(core: &Arc<Core>) -> Self {
        let key = core.digest_key();
        let reading = ScanOptions {
            state_key: Some(key.key_for(DigestClass::RequestState)),
            wants_error_text: core.hooks().has_denial(),
            definitions: core.records_tool_definitions().then(|| core.truncator().clone()),
            contents: Some(core.content_keys().clone()),
        };
        Self(Arc::new(CorrelatorInner {
            core: core.clone(),
            reading: Arc::new(reading),
            key_id: key.id(),
            tools: Mutex::default(),
            continuations: Mutex::default(),
        }))
    }

    /// What readers of its messages keep.
    pub(crate) fn reading(&self) -> &Arc<ScanOptions> {
        &self.0.reading
    }

    pub(crate) fn count(&self, what: WireCounter) {
        self.core().wire_counters().add(what);
    }

    /// Ends a call that exceeded a limit.
    pub(super) fn evict(&self, evicted: Option<PendingCall>) {
        if let Some(waiting) = evicted {
            self.count(WireCounter::Evicted);
            waiting.call.close(&waiting.unanswered(Outcome::with_type(Detail::NoResponse, error_type::EVICTED)));
        }
    }

    /// Ends a call of a client that has more open calls than its share.
    pub(super) fn evict_of(&self, client: &Client, evicted: Option<PendingCall>) {
        if evicted.is_some() {
            let client = client.key();
            self.core().notices().warn(format!(
                "{client} has more open calls than its share of {}: its oldest calls are recorded as unanswered; raise \
                 bounds.open_calls if it should be able to have that many",
                self.core().bounds().open_calls
            ));
        }
        self.evict(evicted);
    }

    /// Whether that client has more open calls than its share.
    pub(super) fn is_over(&self, client: &Client) -> bool {
        client.is_over(trail::SharedResource::OpenCalls, self.core().bounds().open_calls)
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    pub(super) fn key_id(&self) -> &str {
        &self.0.key_id
    }

    pub(super) fn tools(&self) -> MutexGuard<'_, KnownTools> {
        self.0.tools.lock()
    }

    pub(super) fn continuations(&self) -> MutexGuard<'_, Continuations> {
        self.0.continuations.lock()
    }
}
