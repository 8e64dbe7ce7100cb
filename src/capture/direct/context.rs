//! Operations on state that is kept between calls.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, names};
use crate::trail::{Digest, Moment};

/// State was set, read, updated or deleted: `auditrail.context`. Its content is not recorded; two digests say whether it changed.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct ContextChange {
    moment: Moment,
}

event!(ContextChange);

impl ContextChange {
    /// It was set, where there was nothing or whatever there was: `CREATE`.
    pub fn set(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of("CREATE", name)
    }

    /// It was read: `READ`.
    pub fn get(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of("READ", name)
    }

    /// It was changed: `UPDATE`.
    pub fn update(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of("UPDATE", name)
    }

    /// It was removed: `DELETE`.
    pub fn delete(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of("DELETE", name)
    }

    /// What was there before, by its digest ([`Trail::digest`](crate::Trail::digest)).
    pub fn before(self, digest: Digest) -> Self {
        self.fact(names::AUDITRAIL_CONTEXT_DIGEST_BEFORE, digest)
    }

    /// What is there now, by its digest.
    pub fn after(self, digest: Digest) -> Self {
        self.fact(names::AUDITRAIL_CONTEXT_DIGEST_AFTER, digest)
    }

    fn of(action: &'static str, name: impl Into<Cow<'static, str>>) -> Self {
        let moment = Moment::new(EventName::Context);
        Self { moment }.fact(names::AUDIT_ACTION, action).target("context", name)
    }
}
