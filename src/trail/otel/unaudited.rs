//! Warns the operator when spans close and none of them is audited: a mistake that would go unnoticed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::config::Notices;

/// Counts until the first audited span.
#[derive(Debug, Default)]
pub(in crate::trail) struct UnauditedSpans {
    unaudited: AtomicU64,
    settled: AtomicBool,
}

impl UnauditedSpans {
    pub(in crate::trail) fn closed(&self, notices: &Notices, audited: bool) {
        if self.settled.load(Ordering::Relaxed) {
            return;
        }
        if audited {
            self.settled.store(true, Ordering::Relaxed);
        } else if self.unaudited.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH {
            self.end(notices);
        }
    }

    /// Says so now, if there is anything to say and it was not said before.
    pub(in crate::trail) fn end(&self, notices: &Notices) {
        let closed = self.unaudited.load(Ordering::Relaxed);
        if closed > 0 && !self.settled.swap(true, Ordering::Relaxed) {
            notices.warn(format!(
                "{closed} span(s) have closed and none of them was audited; annotate handlers with \
                 #[tracing::instrument(fields(mcp.method.name = \"tools/call\", gen_ai.tool.name = \"...\"))], name them \
                 by audited_when() of the builder, or wrap the rmcp server by trail.audited(server)"
            ));
        }
    }
}

/// More than a program closes before its first call.
const ENOUGH: u64 = 100;
