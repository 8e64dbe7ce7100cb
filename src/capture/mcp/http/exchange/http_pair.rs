//! Who records an HTTP request as such, where several layers see it.
//!
//! Invariant: a request has one pair `auditrail.http.request` on a trail, whatever layers it passes, and in whatever order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use http::Extensions;

use crate::trail::Core;

/// An extension of requests: whether one of the layers of that trail records the request itself.
#[derive(Debug, Clone)]
pub(crate) struct HttpPair {
    core: Weak<Core>,
    is_recorded: Arc<AtomicBool>,
}

impl HttpPair {
    /// That of the request, on that trail.
    pub(crate) fn of(core: &Arc<Core>, extensions: &mut Extensions) -> Self {
        if let Some(known) = extensions.get::<Self>().filter(|known| known.core.as_ptr() == Arc::as_ptr(core)) {
            return known.clone();
        }
        let pair = Self { core: Arc::downgrade(core), is_recorded: Arc::default() };
        extensions.insert(pair.clone());
        pair
    }

    /// Whether it falls to the caller, and to nobody else, to record it.
    pub(crate) fn take(&self) -> bool {
        !self.is_recorded.swap(true, Ordering::AcqRel)
    }
}
