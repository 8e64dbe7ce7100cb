//! The hook `actor` of the builder, as an extractor.

use std::fmt;

use super::actor::Actor;
use super::extractor::Extractor;
use super::request::RequestFacts;

/// A function of the user's.
pub(crate) struct Hook<F>(pub(crate) F);

/// `auditrail.actor.source` of what it finds.
pub(crate) const HOOK: &str = "hook";

impl<F> Extractor for Hook<F>
where
    F: Fn(&RequestFacts<'_>) -> Option<Actor> + Send + Sync,
{
    fn source(&self) -> &'static str {
        HOOK
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        (self.0)(request)
    }

    /// It may look at the method.
    fn asks_each_message(&self) -> bool {
        true
    }

    /// Nobody knows what it does.
    fn can_verify(&self) -> bool {
        false
    }
}

impl<F> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
