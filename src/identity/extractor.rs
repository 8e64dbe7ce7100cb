//! What an extractor is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::actor::Actor;
use super::request::RequestFacts;
use super::start::ExtractorStart;
use crate::config::ConfigError;

/// Finds out who sends a request. A chain of extractors asks one after the other until one has an answer.
pub trait Extractor: fmt::Debug + Send + Sync {
    /// `auditrail.actor.source` of the actors that it finds, such as `jwt`.
    fn source(&self) -> &'static str;

    /// Called once, before the first request, when the trail starts: an extractor that fetches keys starts its thread here.
    ///
    /// # Errors
    /// A mistake in the configuration of the extractor, which stops the start.
    fn start(&self, _start: &ExtractorStart) -> Result<(), ConfigError> {
        Ok(())
    }

    /// The actor, or `None` if the request has nothing that this extractor reads; then the next one is asked. A credential
    /// that is present and not valid is an answer, too: an actor with [`unverified`](Actor::unverified).
    ///
    /// Called on the path of calls: it must not block and must not wait.
    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor>;

    /// Completes when an answer with [`KeyUnavailable`](super::UnverifiedReason::KeyUnavailable) may have become another one.
    /// Only calls whose class requires a verified actor wait for it, until their deadline. `None` if there is nothing to wait
    /// for.
    fn changed(&self) -> Option<Changed> {
        None
    }

    /// Whether it may answer differently for each message of one HTTP request or connection, such as by the
    /// [`method`](RequestFacts::method). Otherwise it is asked once per HTTP request, and once per connection over stdio.
    fn asks_each_message(&self) -> bool {
        false
    }

    /// Whether actors that it finds may be [`verified`](Actor::verified). Where some extractor of the chain can verify, actors
    /// that are only asserted count for the alarm about unverified ones.
    fn can_verify(&self) -> bool {
        true
    }
}

/// See [`Extractor::changed`].
pub type Changed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Trails can share an extractor.
impl<E: Extractor + ?Sized> Extractor for Arc<E> {
    fn source(&self) -> &'static str {
        (**self).source()
    }

    fn start(&self, start: &ExtractorStart) -> Result<(), ConfigError> {
        (**self).start(start)
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        (**self).extract(request)
    }

    fn changed(&self) -> Option<Changed> {
        (**self).changed()
    }

    fn asks_each_message(&self) -> bool {
        (**self).asks_each_message()
    }

    fn can_verify(&self) -> bool {
        (**self).can_verify()
    }
}
