//! What a layer was told.

use std::fmt;
use std::sync::Arc;

use http::Extensions;

use crate::Trail;
use crate::capture::mcp::http::exchange::HttpRecording;

/// The settings of a layer, which its services share.
#[derive(Clone)]
pub(super) struct HttpSettings {
    pub(super) trail: Trail,
    pub(super) recording: Arc<HttpRecording>,
    pub(super) route: Option<Arc<RouteHook>>,
    pub(super) returns_id: bool,
}

pub(super) type RouteHook = dyn Fn(&Extensions) -> Option<String> + Send + Sync;

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings").field("recording", &self.recording).finish_non_exhaustive()
    }
}
