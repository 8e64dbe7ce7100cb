//! From the journal to the sinks.

use std::sync::Arc;
use std::time::Duration;

use super::adoption_progress::AdoptionProgress;
use crate::journal::{Keeper, Sequence};
use crate::locks::Mutex;
use crate::ship::Shipper;

/// What brings records from the journal to the sinks.
pub(in crate::trail) struct Delivery {
    /// To the collector, or to the first sink that was chosen instead.
    pub(in crate::trail) shipper: Shipper,
    /// To each of the other sinks.
    pub(in crate::trail) others: Vec<Shipper>,
    pub(in crate::trail) _keeper: Option<Keeper>,
    pub(in crate::trail) adopted: Arc<AdoptionProgress>,
    pub(in crate::trail) closing: Mutex<CloseProgress>,
}

impl Delivery {
    /// Ships what waits without delay.
    pub(in crate::trail) fn hurry(&self) {
        self.shippers().for_each(Shipper::hurry);
    }

    /// The outcome of the last request to a sink, if it did not accept it.
    pub(in crate::trail) fn last_refusal(&self) -> Option<String> {
        self.shippers().find_map(Shipper::last_refusal)
    }

    /// How many records every sink has, of all streams, and how many one of them has refused for good.
    pub(in crate::trail) fn settled(&self) -> (u64, u64) {
        let stats = || self.shippers().map(|shipper| shipper.stats().snapshot());
        let delivered = stats().map(|stats| stats.delivered).min().unwrap_or(0);
        (delivered, stats().map(|stats| stats.quarantined).max().unwrap_or(0))
    }

    fn shippers(&self) -> impl Iterator<Item = &Shipper> {
        std::iter::once(&self.shipper).chain(&self.others)
    }
}

/// How far the end of the process has come.
#[derive(Debug, Default)]
pub(in crate::trail) struct CloseProgress {
    pub(in crate::trail) spent: Duration,
    /// It was tried to ship everything up to here.
    pub(in crate::trail) tried: Sequence,
}
