//! Rules of retention that are applied.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, Value, names, terms};
use crate::trail::{DataUse, Moment};

terms! {
    /// What a rule of retention did: `audit.action`.
    RetentionStep {
        /// What had expired was deleted.
        Deleted = "DELETE",
        /// It was moved to an archive.
        Archived = "ARCHIVE",
        /// Whatever the rule says, it is kept.
        Held = "HOLD",
        /// It is no longer kept.
        Released = "RELEASE",
    }
}

/// A rule of retention was applied: `auditrail.retention`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Retention {
    moment: Moment,
}

event!(Retention);

impl Retention {
    /// The rule of that name was applied.
    pub fn by(class: impl Into<Cow<'static, str>>, step: RetentionStep) -> Self {
        let moment = Moment::new(EventName::Retention).data_use(DataUse::new().retention_class(class));
        Self { moment }.fact(names::AUDIT_ACTION, step)
    }

    /// To how many things it was applied.
    pub fn count(self, count: u32) -> Self {
        self.fact(names::AUDITRAIL_TARGET_COUNT, count)
    }
}
