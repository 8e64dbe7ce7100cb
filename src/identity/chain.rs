//! The extractors of a trail, in their order.
//!
//! Invariants:
//! 1. The first extractor with an answer decides; those behind it are not asked.
//! 2. An extractor that looks only at the transport is asked at most once per exchange, however many messages the exchange
//!    carries.
//! 3. An extractor that panics harms no call. It ends the chain, because nobody knows what it would have found: the actor is
//!    unknown, and the record says why.

use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use http::{Extensions, HeaderMap};

use super::actor::{Actor, UnverifiedReason};
use super::claims::Claims;
use super::extractor::{Changed, Extractor};
#[cfg(feature = "tower")]
use super::hops::{PeerAddr, TrustedHop, TrustedHops};
use super::request::RequestFacts;
use super::start::ExtractorStart;
use crate::config::{ConfigError, Notices};

/// Extractors that are asked one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    extractors: Vec<Arc<dyn Extractor>>,
    /// The operator has named extractors.
    is_configured: bool,
    /// Whose headers about clients count.
    #[cfg(feature = "tower")]
    pub(crate) hops: TrustedHops,
    notices: Notices,
}

/// What the extractors of a chain have answered about one exchange.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<OnceLock<Option<Actor>>>);

impl Default for Chain {
    fn default() -> Self {
        Self {
            extractors: vec![Arc::new(Claims)],
            is_configured: false,
            #[cfg(feature = "tower")]
            hops: TrustedHops::default(),
            notices: Notices::default(),
        }
    }
}

impl Chain {
    /// Adds an extractor at the end.
    pub(crate) fn add(&mut self, extractor: Arc<dyn Extractor>) {
        self.extractors.push(extractor);
        self.is_configured = true;
    }

    /// Puts an extractor in the place of the one with that source, or at the end.
    pub(crate) fn replace(&mut self, source: &str, extractor: Arc<dyn Extractor>) {
        self.is_configured = true;
        match self.extractors.iter_mut().find(|known| known.source() == source) {
            Some(known) => *known = extractor,
            None => self.extractors.push(extractor),
        }
    }

    /// Starts the extractors.
    pub(crate) fn start(&self, start: &ExtractorStart) -> Result<(), ConfigError> {
        self.extractors.iter().try_for_each(|extractor| extractor.start(start))
    }

    /// Tells its problems there.
    pub(crate) fn telling(self, notices: Notices) -> Self {
        Self { notices, ..self }
    }

    /// Whether the operator wants to know who acts.
    pub(crate) fn is_configured(&self) -> bool {
        self.is_configured
    }

    /// Whether some extractor can verify an identity.
    pub(crate) fn can_verify(&self) -> bool {
        self.extractors.iter().any(|extractor| extractor.can_verify())
    }

    /// What the extractors see of a message over HTTP.
    pub(crate) fn facts<'a>(
        &self,
        method: &'a str,
        (headers, extensions): (&'a HeaderMap, &'a Extensions),
    ) -> RequestFacts<'a> {
        RequestFacts {
            method,
            headers: Some(headers),
            extensions: Some(extensions),
            from_trusted_hop: self.is_from_trusted_hop(extensions),
        }
    }

    #[cfg(feature = "tower")]
    fn is_from_trusted_hop(&self, extensions: &Extensions) -> bool {
        let is_hop = |peer: &PeerAddr| self.hops.has(peer.0.ip());
        extensions.get::<TrustedHop>().is_some() || extensions.get().is_some_and(is_hop)
    }

    /// Without the tower layer, nobody says who the peer is.
    #[cfg(not(feature = "tower"))]
    fn is_from_trusted_hop(&self, _: &Extensions) -> bool {
        false
    }

    /// The actor of a request, by the first extractor that has one.
    pub(crate) fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        self.extractors.iter().find_map(|extractor| self.ask(&**extractor, request))
    }

    /// Completes when the extractor with that source may have another answer.
    pub(crate) fn changed(&self, source: Option<&str>) -> Option<Changed> {
        let mut asked = self.extractors.iter().filter(|extractor| source.is_none_or(|it| it == extractor.source()));
        let changed = asked.find_map(|extractor| catch_unwind(AssertUnwindSafe(|| extractor.changed())).ok().flatten());
        changed.map(guarded)
    }

    fn ask(&self, extractor: &dyn Extractor, request: &RequestFacts<'_>) -> Option<Actor> {
        let source = extractor.source();
        match catch_unwind(AssertUnwindSafe(|| extractor.extract(request))) {
            Ok(found) => found.map(|mut actor| {
                actor.source.get_or_insert(Cow::Borrowed(source));
                actor
            }),
            Err(_) => {
                let text =
                    format!("the actor extractor panicked ({source}); the actors of its calls are recorded as unknown");
                self.notices.warn_of(source, text);
                Some(Actor { source: Some(source.into()), ..Actor::unknown(UnverifiedReason::ExtractorFailed) })
            }
        }
    }
}

/// For the sender of an exchange, which keeps the answers.
impl Chain {
    /// Whether an extractor may answer differently for each message of an exchange.
    #[cfg(feature = "tower")]
    pub(super) fn asks_each_message(&self) -> bool {
        self.extractors.iter().any(|extractor| extractor.asks_each_message())
    }

    /// Room for the answers about one exchange.
    pub(super) fn unanswered(&self) -> Answers {
        Answers(self.extractors.iter().map(|_| OnceLock::new()).collect())
    }

    /// Like [`extract`](Self::extract), for one of several messages of an exchange.
    pub(super) fn extract_of(&self, answers: &Answers, request: &RequestFacts<'_>) -> Option<Actor> {
        let both = self.extractors.iter().zip(&answers.0);
        both.into_iter().find_map(|(extractor, answer)| match extractor.asks_each_message() {
            true => self.ask(&**extractor, request),
            false => answer.get_or_init(|| self.ask(&**extractor, request)).clone(),
        })
    }

    /// Asks the extractors that look only at the transport, as far as their answers can count. Returns the one that counts.
    #[cfg(feature = "tower")]
    pub(super) fn prepare<'a>(&self, answers: &'a Answers, request: &RequestFacts<'_>) -> Option<&'a Actor> {
        let both = self.extractors.iter().zip(&answers.0).filter(|(extractor, _)| !extractor.asks_each_message());
        both.into_iter().find_map(|(extractor, answer)| answer.get_or_init(|| self.ask(&**extractor, request)).as_ref())
    }
}

/// A future that panics has completed.
fn guarded(mut changed: Changed) -> Changed {
    Box::pin(poll_fn(move |context| {
        catch_unwind(AssertUnwindSafe(|| changed.as_mut().poll(context))).unwrap_or(Poll::Ready(()))
    }))
}
