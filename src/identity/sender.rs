//! Who sends the messages of one exchange: a connection over stdio, or an HTTP request.

#![cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only over HTTP has a request a head"))]

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap};

use super::actor::{Actor, UnverifiedReason};
use super::chain::{Answers, Chain};
use super::request::RequestFacts;
use crate::locks::Mutex;

/// The sender of the messages of an exchange. The transport is looked at once; only extractors that look at messages are asked
/// for each.
#[derive(Debug, Default)]
pub(crate) struct Sender(Mutex<Arc<Seen>>);

/// What was seen of the transport.
#[derive(Debug, Default)]
struct Seen {
    answers: OnceLock<Answers>,
    /// The head of the HTTP request. It may contain credentials, so it is kept only if it has to be read again: whenever an
    /// actor may become known.
    head: Option<Head>,
    /// An extractor that looks at the transport has verified the actor.
    is_verified: bool,
}

#[derive(Clone)]
struct Head {
    headers: HeaderMap,
    extensions: Extensions,
}

impl Sender {
    /// The sender of an HTTP request.
    #[cfg(feature = "tower")]
    pub(crate) fn of_http(chain: &Chain, headers: &HeaderMap, extensions: &Extensions) -> Self {
        Self::of(Seen::of_http(chain, headers, extensions))
    }

    /// The sender of an HTTP request that has to be asked about again.
    pub(crate) fn kept(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let head = Head { headers: headers.clone(), extensions: extensions.clone() };
        Self::of(Seen { head: Some(head), ..Seen::default() })
    }

    /// The actor of a message of that method.
    pub(crate) fn actor(&self, chain: &Chain, method: &str) -> Option<Actor> {
        let seen = self.seen();
        let request = seen.request(chain, method);
        let answers = seen.answers.get_or_init(|| chain.unanswered());
        let found = chain.extract_of(answers, &request)?;
        if found.may_become_known() {
            // The keys may have come since.
            return chain.extract(&request);
        }
        Some(found)
    }

    /// Looks at the same HTTP request further inside, unless the sender is verified.
    #[cfg(feature = "tower")]
    pub(crate) fn look_again(&self, chain: &Chain, headers: &HeaderMap, extensions: &Extensions) {
        if !self.seen().is_verified {
            *self.0.lock() = Arc::new(Seen::of_http(chain, headers, extensions));
        }
    }

    fn of(seen: Seen) -> Self {
        Self(Mutex::new(Arc::new(seen)))
    }

    fn seen(&self) -> Arc<Seen> {
        self.0.lock().clone()
    }
}

impl Seen {
    #[cfg(feature = "tower")]
    fn of_http(chain: &Chain, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let answers = chain.unanswered();
        let found = chain.prepare(&answers, &chain.facts("", (headers, extensions)));
        let (is_verified, may_change) =
            (found.is_some_and(|actor| actor.verified), found.is_some_and(Actor::may_become_known));
        let head = (may_change || chain.asks_each_message())
            .then(|| Head { headers: headers.clone(), extensions: extensions.clone() });
        Self { answers: answers.into(), head, is_verified }
    }

    fn request<'a>(&'a self, chain: &Chain, method: &'a str) -> RequestFacts<'a> {
        match &self.head {
            Some(head) => chain.facts(method, (&head.headers, &head.extensions)),
            None => RequestFacts { method, ..RequestFacts::default() },
        }
    }
}

/// An actor that is not known because its keys are not, and the one to ask again.
#[derive(Debug, Clone)]
pub(crate) struct PendingActor {
    pub(crate) found: Actor,
    sender: Arc<Sender>,
    method: String,
}

impl PendingActor {
    /// Unless the answer is final.
    pub(crate) fn of(found: &Actor, sender: &Arc<Sender>, method: &str) -> Option<Self> {
        found.may_become_known().then(|| Self {
            found: found.clone(),
            sender: sender.clone(),
            method: method.to_owned(),
        })
    }

    /// What the extractors say now.
    pub(crate) fn again(&self, chain: &Chain) -> Actor {
        self.sender.actor(chain, &self.method).unwrap_or_else(|| self.found.clone())
    }
}

impl Actor {
    /// Whether the extractor may have another answer later.
    pub(crate) fn may_become_known(&self) -> bool {
        self.unverified == Some(UnverifiedReason::KeyUnavailable)
    }
}

impl fmt::Debug for Head {
    /// Nothing of it, as it may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Head")
    }
}
