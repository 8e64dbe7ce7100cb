//! Policies that come into force.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, names};
use crate::trail::{Digest, Moment};

/// A policy was loaded or changed: `auditrail.policy`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct PolicyChange {
    moment: Moment,
}

event!(PolicyChange);

impl PolicyChange {
    /// The policy of that id was loaded: `LOAD`. Its digest is what decisions name, for example [`Digest::sha256`] of its text.
    pub fn loaded(id: impl Into<Cow<'static, str>>, digest: Digest) -> Self {
        Self::of("LOAD", id, digest)
    }

    /// The policy of that id replaced another one: `UPDATE`.
    pub fn changed(id: impl Into<Cow<'static, str>>, previous: Digest, digest: Digest) -> Self {
        Self::of("UPDATE", id, digest).fact(names::AUDITRAIL_POLICY_PREVIOUS_DIGEST, previous)
    }

    fn of(action: &'static str, id: impl Into<Cow<'static, str>>, digest: Digest) -> Self {
        let (moment, id) = (Moment::new(EventName::Policy), id.into());
        Self { moment }
            .fact(names::AUDIT_ACTION, action)
            .fact(names::AUDITRAIL_POLICY_ID, id.clone())
            .fact(names::AUDITRAIL_POLICY_DIGEST, digest)
            .target("policy", id)
    }
}
