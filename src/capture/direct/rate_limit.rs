//! Limits of requests.

use std::borrow::Cow;
use std::time::Duration;

use super::builder::event;
use crate::record::{Detail, EventName, Outcome, names};
use crate::trail::Moment;

/// A limit of requests was reached: `auditrail.rate_limit`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct RateLimit {
    moment: Moment,
}

event!(RateLimit);

impl RateLimit {
    /// What came was refused by the limit of that name: decision `deny`, outcome `failure`, `denied`.
    pub fn refused(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of(name).fact(names::AUDITRAIL_DECISION, "deny").outcome(Outcome::of(Detail::Denied))
    }

    /// The limit of that name was reached, and what came was let through or held back for a while: decision `allow`.
    pub fn reached(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of(name).fact(names::AUDITRAIL_DECISION, "allow")
    }

    /// How many requests are allowed in which time.
    pub fn limit(self, requests: u32, window: Duration) -> Self {
        self.fact(names::AUDITRAIL_RATE_LIMIT_LIMIT, requests)
            .fact(names::AUDITRAIL_RATE_LIMIT_WINDOW, window.as_secs_f64())
    }

    fn of(name: impl Into<Cow<'static, str>>) -> Self {
        let moment = Moment::new(EventName::RateLimit);
        Self { moment }.fact(names::AUDITRAIL_RATE_LIMIT_NAME, name.into()).fact(names::AUDIT_ACTION, "LIMIT")
    }
}
