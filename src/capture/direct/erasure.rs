//! Data of persons that are erased.

use super::builder::event;
use crate::record::{EventName, names};
use crate::trail::{DataUse, Moment, Pseudonym};

/// The data of a person were erased: `auditrail.erasure`. It says whose by a pseudonym, so that the record of the erasure does not
/// keep what was erased.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Erasure {
    moment: Moment,
}

event!(Erasure);

impl Erasure {
    /// The data of that person were erased.
    pub fn of(person: Pseudonym) -> Self {
        let moment = Moment::new(EventName::Erasure).data_use(DataUse::new().data_subject(person));
        Self { moment }.fact(names::AUDIT_ACTION, "DELETE")
    }

    /// How many things were erased.
    pub fn count(self, count: u32) -> Self {
        self.fact(names::AUDITRAIL_TARGET_COUNT, count)
    }
}
