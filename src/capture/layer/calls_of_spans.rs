//! What a trail asks a layer of it about open calls.

use std::sync::Arc;

use tracing::span::Id;
use tracing_subscriber::Registry;

use super::lookup::ContextLookup;
use super::open_spans::OpenSpans;
use crate::trail::{CallState, HoldsCalls};

/// The layer's table, and the subscriber whose spans are in it.
#[derive(Debug)]
pub(super) struct CallsOfSpans {
    open: Arc<OpenSpans>,
    lookup: Arc<ContextLookup>,
}

impl CallsOfSpans {
    pub(super) fn new(open: Arc<OpenSpans>, lookup: Arc<ContextLookup>) -> Self {
        Self { open, lookup }
    }
}

impl HoldsCalls for CallsOfSpans {
    fn visit_open(&self, visit: &dyn Fn(&CallState)) {
        self.open.visit_open(visit);
    }

    fn visit_call_of(&self, registry: &Registry, span: &Id, visit: &mut dyn FnMut(&CallState)) {
        if let Some(entry) = self.open.get(span).filter(|_| self.lookup.is_in(registry))
            && entry.is_own()
            && entry.open_call().is_some()
        {
            visit(entry.state());
        }
    }
}
