//! Who sends the messages of one exchange: a connection over stdio, or an HTTP request.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap};

use super::actor::{Actor, UnverifiedReason};
use super::chain::{Answers, Chain};
use super::request::RequestFacts;

/// The sender of the messages of an exchange. The transport is looked at once; only extractors that look at messages are asked
/// for each.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    answers: OnceLock<Answers>,
    /// The head of the HTTP request. It may contain credentials, so it is kept only if it has to be read again.
    head: Option<Box<Head>>,
}

struct Head {
    headers: HeaderMap,
    extensions: Extensions,
}

impl Sender {
    /// The sender of an HTTP request.
    pub(crate) fn of_http(chain: &Chain, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let answers = chain.unanswered();
        let found = chain.prepare(&answers, &chain.facts("", (headers, extensions)));
        let is_kept = found.is_some_and(Actor::may_become_known) || chain.asks_each_message();
        let head = is_kept.then(|| Box::new(Head { headers: headers.clone(), extensions: extensions.clone() }));
        Self { answers: answers.into(), head }
    }

    /// The sender of an HTTP request that has to be asked about again.
    pub(crate) fn kept(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let head = Head { headers: headers.clone(), extensions: extensions.clone() };
        Self { answers: OnceLock::new(), head: Some(Box::new(head)) }
    }

    /// The actor of a message of that method.
    pub(crate) fn actor(&self, chain: &Chain, method: &str) -> Option<Actor> {
        let request = self.request(chain, method);
        let answers = self.answers.get_or_init(|| chain.unanswered());
        let found = chain.extract_of(answers, &request)?;
        if found.may_become_known() && self.head.is_some() {
            // The keys may have come since.
            return chain.extract(&request);
        }
        Some(found)
    }

    fn request<'a>(&'a self, chain: &Chain, method: &'a str) -> RequestFacts<'a> {
        match self.head.as_deref() {
            Some(head) => chain.facts(method, (&head.headers, &head.extensions)),
            None => RequestFacts { method, ..RequestFacts::default() },
        }
    }
}

impl Actor {
    /// Whether the extractor may have another answer later.
    pub(crate) fn may_become_known(&self) -> bool {
        self.unverified == Some(UnverifiedReason::KeyUnavailable)
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
    pub(crate) fn of(found: Actor, sender: &Arc<Sender>, method: &str) -> Result<Self, Actor> {
        if !found.may_become_known() || sender.head.is_none() {
            return Err(found);
        }
        Ok(Self { found, sender: sender.clone(), method: method.to_owned() })
    }

    /// What the extractors say now.
    pub(crate) fn again(&self, chain: &Chain) -> Actor {
        self.sender.actor(chain, &self.method).unwrap_or_else(|| self.found.clone())
    }
}

impl fmt::Debug for Head {
    /// Nothing of it, as it may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Head")
    }
}
