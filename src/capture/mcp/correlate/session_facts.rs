//! What is known of a session.

use std::sync::Arc;

use crate::trail::Facts;

/// The facts of a session, for records.
#[derive(Debug, Default)]
pub(super) struct SessionFacts {
    pub(super) session_id: Option<String>,
    /// What the client says about itself.
    pub(super) client: Arc<Facts>,
    /// The version in the server's answer, or otherwise the client's.
    pub(super) protocol_version: Option<String>,
}
