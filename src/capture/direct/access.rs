//! Access to resources.

use super::builder::event;
use crate::policy::without_secrets;
use crate::record::{EventName, Value, names, terms};
use crate::trail::{Call, Digest, Moment};

terms! {
    /// What was done to a resource: `audit.action`.
    ResourceAction {
        /// It was read.
        Read = "READ",
        /// What there is was listed.
        List = "LIST",
        /// It was made.
        Create = "CREATE",
        /// It was changed.
        Update = "UPDATE",
        /// It was removed.
        Delete = "DELETE",
    }
}

/// A resource was accessed: `auditrail.mcp.resources.read`, for a client or for your own code.
///
/// If that takes time, begin a call with it: `trail.begin(ResourceAccess::read(uri))`. Its preview is then known at the end:
/// `call.enrich("auditrail.resource.preview_digest", trail.digest(preview))`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct ResourceAccess {
    moment: Moment,
}

event!(ResourceAccess);

impl ResourceAccess {
    /// The resource of that URI was read. User information, query, parameters and fragment of the URI are not recorded.
    pub fn read(uri: &str) -> Self {
        let moment = Moment::new(EventName::McpResourcesRead);
        Self { moment }
            .fact(names::MCP_RESOURCE_URI, without_secrets(uri).into_owned())
            .fact(names::AUDIT_ACTION, ResourceAction::Read)
    }

    /// Something else was done to it.
    pub fn action(self, action: ResourceAction) -> Self {
        self.fact(names::AUDIT_ACTION, action)
    }

    /// What was shown of it, by its digest.
    pub fn preview(self, digest: Digest) -> Self {
        self.fact(names::AUDITRAIL_RESOURCE_PREVIEW_DIGEST, digest)
    }
}

impl From<ResourceAccess> for Call {
    fn from(access: ResourceAccess) -> Self {
        Self::of_moment("resources/read", access.moment)
    }
}
