//! The facts that all records of an exchange share, about the transport and the client. They are built once, however
//! many messages come.

use std::sync::Arc;

use super::message_origin::MessageOrigin;
use super::session::Session;
use super::session_facts::SessionFacts;
use crate::locks::Mutex;
use crate::record::{Attributes, names};
use crate::trail::{Core, Facts};

/// The shared facts of one exchange.
#[derive(Debug, Default)]
pub(super) struct CommonFacts(Mutex<CommonFactsState>);

#[derive(Debug, Default)]
struct CommonFactsState {
    made: Option<CachedFacts>,
    /// The received bytes, each as often as it may be repeated, and the bytes that were spent.
    came: u64,
    spent: u64,
}

#[derive(Debug)]
struct CachedFacts {
    /// The version of the session.
    version: u64,
    whole: Arc<Facts>,
    /// All of it, if nothing is long.
    brief: Arc<Facts>,
}

impl CommonFacts {
    /// The current facts, for the records of a message of that many bytes: the client may have introduced itself, or
    /// the server may have named the session. Long values are cut if they would cost too much for what was received.
    pub(super) fn facts(&self, core: &Core, session: &Session, origin: &MessageOrigin, bytes: u64) -> Arc<Facts> {
        let mut state = self.0.lock();
        let CommonFactsState { made, came, spent } = &mut *state;
        let version = session.version();
        let CachedFacts { whole, brief, .. } = match made {
            Some(made) if made.version == version => made,
            made => made.insert(CachedFacts::new(core, session, origin, version)),
        };
        *came = came.saturating_add(bytes.saturating_mul(core.bounds().repeated_per_byte));
        let cost = 2 * whole.bytes_of_base() as u64;
        if spent.saturating_add(cost) > came.saturating_add(FREE) {
            return brief.clone();
        }
        *spent += cost;
        whole.clone()
    }
}

impl CachedFacts {
    fn new(core: &Core, session: &Session, origin: &MessageOrigin, version: u64) -> Self {
        let known = session.known();
        let whole = core.shared(&known.client, &attributes(&known, origin), origin.client.clone());
        let brief = core.in_brief(&whole);
        Self { version, whole, brief }
    }
}

fn attributes(session: &SessionFacts, origin: &MessageOrigin) -> Attributes {
    let mut attributes = Attributes::default();
    let version = session.protocol_version.clone().or_else(|| origin.protocol_version.clone());
    attributes.set_some(names::MCP_PROTOCOL_VERSION, version);
    attributes.set_some(names::MCP_SESSION_ID, session.session_id.clone());
    origin.describe(&mut attributes);
    attributes
}

/// What every exchange may spend: some dozens of calls of any size.
const FREE: u64 = 64 * 1024;
