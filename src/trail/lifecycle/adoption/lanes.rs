//! The paths to all sinks.

use tokio::runtime::Handle;

use crate::ship::{Lane, Shipper};

/// The lanes of all sinks, in the order of the journal's handles. The first is driven by who drains; each of the others runs
/// on the runtime of its own shipper, so that none waits for another.
#[derive(Debug, Clone)]
pub(in crate::trail) struct Lanes {
    pub(super) first: Lane,
    pub(super) others: Vec<(Lane, Handle)>,
}

impl Lanes {
    pub(in crate::trail) fn of(first: &Shipper, others: &[Shipper]) -> Self {
        let others = others.iter().map(|shipper| (shipper.lane(), shipper.runtime().clone()));
        Self { first: first.lane(), others: others.collect() }
    }
}
