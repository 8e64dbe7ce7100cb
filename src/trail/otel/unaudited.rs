//! Warns the operator when spans close and none of them is audited: a mistake that would go unnoticed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::config::Notices;

/// Counts until the first audited span.
#[derive(Debug)]
pub(crate) struct UnauditedSpans {
    notices: Notices,
    unaudited: AtomicU64,
    settled: AtomicBool,
}

impl UnauditedSpans {
    pub(in crate::trail) fn to(notices: Notices) -> Self {
        Self { notices, unaudited: AtomicU64::default(), settled: AtomicBool::default() }
    }

    /// A span has closed, audited or not.
    #[cfg(feature = "layer")]
    pub(crate) fn closed(&self, audited: bool) {
        if self.settled.load(Ordering::Relaxed) {
            return;
        }
        if audited {
            self.settled.store(true, Ordering::Relaxed);
        } else if self.unaudited.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH {
            self.end();
        }
    }

    /// Warns now if no span was audited, unless it has warned before.
    pub(in crate::trail) fn end(&self) {
        let closed = self.unaudited.load(Ordering::Relaxed);
        if closed > 0 && !self.settled.swap(true, Ordering::Relaxed) {
            self.notices.warn(format!(
                "{closed} span(s) have closed and none of them was audited; annotate handlers with \
                 #[tracing::instrument(fields(mcp.method.name = \"tools/call\", gen_ai.tool.name = \"...\"))], name them \
                 by audited_when() of the builder, or wrap the rmcp server by trail.audited(server)"
            ));
        }
    }
}

/// More than a program closes before its first call.
#[cfg(feature = "layer")]
const ENOUGH: u64 = 100;
