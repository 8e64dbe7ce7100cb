//! Pairs what is asked with what is answered, in both directions. Messages and closes go in, calls are begun and ended on the
//! trail; nothing here reads, writes, waits or knows a clock.
//!
//! ```text
//! Correlator   one a server: definitions of its tools, its tasks, states of its rounds
//!  └ Scope     one a stdio connection or HTTP session: who the client says it is, what the server asks it, counts
//!     └ Exchange   one a stdio connection or HTTP request: what the client asks with it
//! ```
//!
//! Invariants:
//! 1. A request is begun when it is seen, and its call ends once: by its answer, its cancellation, or the close of what it
//!    came over.
//! 2. An answer belongs to a request of the other direction and the same scope whose id is the same, or the same but for what
//!    servers make of ids: `1` and `"1"`, and beyond 2⁵³ the nearest double. If it may belong to several, it ends all of them,
//!    and says of none how it ended. The requests of two scopes, or of two directions, never meet, whatever their ids. What is
//!    no message ([`Message::kind`](super::message::Message::kind)) answers nothing.
//! 3. An answer to nothing that is open (late, replayed, made up) is counted, and nothing else: it is nobody's second answer.
//! 4. Memory is bounded by the limits at the end of `pending.rs`, `origins.rs` and `tools.rs`. What exceeds them ends the
//!    oldest or is forgotten, and is counted.

mod answer;
mod call;
mod carrier;
mod exchange;
mod noise;
mod odd;
mod origins;
mod pace;
mod pending;
mod repeated;
mod scope;
mod tools;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "tower")]
pub(crate) use self::answer::{disconnected, http_error, unread, unread_request};
pub(crate) use self::carrier::Carrier;
#[cfg(feature = "proxy")]
pub(crate) use self::exchange::Unanswered;
pub(crate) use self::exchange::{Claimed, End, Exchange};
pub(crate) use self::pace::Pace;
pub(crate) use self::scope::Scope;

use self::origins::Origins;
use self::tools::Tools;
use self::waiting::Waiting;
use super::message::Reading;
use crate::record::{Detail, Outcome, error_type};
use crate::trail::{self, Client, Core, Counted};

/// What all connections of one server share.
#[derive(Debug, Clone)]
pub(crate) struct Correlator(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    reading: Arc<Reading>,
    /// Which key the digests of states are made with.
    key_id: String,
    tools: Mutex<Tools>,
    origins: Mutex<Origins>,
}

impl Correlator {
    /// For one server.
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        let key = core.digest_key();
        let reading = Reading {
            state_key: Some(key.key_for("auditrail request state 1")),
            wants_error_text: core.hooks().has_denial(),
        };
        Self(Arc::new(Shared {
            core: core.clone(),
            reading: Arc::new(reading),
            key_id: key.id(),
            tools: Mutex::default(),
            origins: Mutex::default(),
        }))
    }

    /// What readers of its messages look for.
    pub(crate) fn reading(&self) -> &Arc<Reading> {
        &self.0.reading
    }

    /// A connection, or an HTTP request outside all sessions.
    pub(crate) fn exchange(&self, carrier: Carrier) -> Arc<Exchange> {
        self.exchange_in(Arc::new(Scope::new(self)), carrier)
    }

    /// An HTTP request of a session.
    pub(crate) fn exchange_in(&self, scope: Arc<Scope>, carrier: Carrier) -> Arc<Exchange> {
        Arc::new(Exchange::new(self, scope, carrier))
    }

    pub(crate) fn count(&self, what: Counted) {
        self.core().seen().add(what);
    }

    /// Ends a call that was one too many.
    fn evict(&self, evicted: Option<Waiting>) {
        if let Some(waiting) = evicted {
            self.count(Counted::Evicted);
            waiting.call.end(&waiting.unanswered(Outcome::with_type(Detail::NoResponse, error_type::EVICTED)));
        }
    }

    /// Ends a call of a client that has more open than its share.
    fn evict_of(&self, client: &Client, evicted: Option<Waiting>) {
        if evicted.is_some() {
            let client = client.key();
            self.core().notices().warn(format!(
                "{client} has more calls open than its share of {}: its oldest are recorded as unanswered; raise \
                 bounds.open_calls if it may have that many",
                self.core().bounds().open_calls
            ));
        }
        self.evict(evicted);
    }

    /// Whether that client has more calls open than it should.
    fn is_over(&self, client: &Client) -> bool {
        client.is_over(trail::Shared::OpenCalls, self.core().bounds().open_calls)
    }

    fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    fn key_id(&self) -> &str {
        &self.0.key_id
    }

    fn tools(&self) -> MutexGuard<'_, Tools> {
        self.0.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn origins(&self) -> MutexGuard<'_, Origins> {
        self.0.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A digest as it stands in a record.
fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for digit in [byte >> 4, byte & 15] {
            text.push(DIGITS.get(usize::from(digit)).copied().map_or('0', char::from));
        }
        text
    })
}
