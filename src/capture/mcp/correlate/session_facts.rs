//! What is known of a session.

use std::sync::Arc;

use crate::trail::Facts;

/// What is known of a session, for records.
#[derive(Debug, Default)]
pub(super) struct SessionFacts {
    pub(super) session_id: Option<String>,
    /// What the client has said of itself.
    pub(super) client: Arc<Facts>,
    /// That of the server's answer, or else the client's.
    pub(super) protocol_version: Option<String>,
}
