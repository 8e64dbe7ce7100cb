//! What all records of an exchange say of the way and of the client: made once, however many messages come.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Carrier, Scope};
use crate::record::{Attributes, names};
use crate::trail::{Core, Facts};

/// Those of one exchange.
#[derive(Debug, Default)]
pub(super) struct Common(Mutex<Option<(u64, Arc<Facts>)>>);

impl Common {
    /// As they are now: the client may have introduced itself since, or the server may have named the session.
    pub(super) fn facts(&self, core: &Core, scope: &Scope, carrier: &Carrier) -> Arc<Facts> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = scope.version();
        match &*made {
            Some((known, facts)) if *known == version => facts.clone(),
            _ => {
                let facts = core.shared(attributes(scope.known(), carrier));
                *made = Some((version, facts.clone()));
                facts
            }
        }
    }
}

/// What is known of a session, for records.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) session_id: Option<String>,
    pub(super) client_name: Option<String>,
    pub(super) client_version: Option<String>,
    pub(super) protocol_version: Option<String>,
}

fn attributes(session: Known, carrier: &Carrier) -> Attributes {
    let mut attributes = Attributes::default();
    let version = session.protocol_version.or_else(|| carrier.protocol_version.clone());
    attributes.set_some(names::MCP_PROTOCOL_VERSION, version);
    attributes.set_some(names::AUDITRAIL_CLIENT_NAME, session.client_name);
    attributes.set_some(names::AUDITRAIL_CLIENT_VERSION, session.client_version);
    attributes.set_some(names::MCP_SESSION_ID, session.session_id);
    carrier.describe(&mut attributes);
    attributes
}
