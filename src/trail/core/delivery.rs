//! From the journal to the collector.

use std::sync::Arc;
use std::time::Duration;

use super::adoption_progress::AdoptionProgress;
use crate::journal::{Keeper, Sequence};
use crate::locks::Mutex;
use crate::ship::Shipper;

/// What brings records from the journal to the collector.
pub(in crate::trail) struct Delivery {
    pub(in crate::trail) shipper: Shipper,
    pub(in crate::trail) _keeper: Option<Keeper>,
    pub(in crate::trail) adopted: Arc<AdoptionProgress>,
    pub(in crate::trail) closing: Mutex<CloseProgress>,
}

/// How far the end of the process has come.
#[derive(Debug, Default)]
pub(in crate::trail) struct CloseProgress {
    pub(in crate::trail) spent: Duration,
    /// It was tried to ship everything up to here.
    pub(in crate::trail) tried: Sequence,
}
