//! Who sends the messages of one exchange: a connection over stdio, or an HTTP request.

use std::fmt;
use std::sync::OnceLock;

use http::{Extensions, HeaderMap};

use crate::identity::{Actor, Answers, RequestFacts, UnverifiedReason};
use crate::trail::core::Core;

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

impl fmt::Debug for Head {
    /// Nothing of it, as it may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Head")
    }
}

impl Sender {
    /// The sender of an HTTP request.
    pub(crate) fn of_http(core: &Core, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let chain = core.chain();
        let answers = chain.unanswered();
        let request = core.request_facts("", (headers, extensions));
        let found = chain.prepare(&answers, core.notices(), &request);
        let may_change = found.is_some_and(|actor| actor.unverified == Some(UnverifiedReason::KeyUnavailable));
        let head = (may_change || chain.asks_each_message())
            .then(|| Box::new(Head { headers: headers.clone(), extensions: extensions.clone() }));
        Self { answers: answers.into(), head }
    }

    /// The actor of a message of that method.
    pub(crate) fn actor(&self, core: &Core, method: &str) -> Option<Actor> {
        let chain = core.chain();
        let request = self.request(core, method);
        let answers = self.answers.get_or_init(|| chain.unanswered());
        let found = chain.extract_of(answers, core.notices(), &request)?;
        if found.unverified == Some(UnverifiedReason::KeyUnavailable) && self.head.is_some() {
            // The keys may have come since.
            return chain.extract(core.notices(), &request);
        }
        Some(found)
    }

    fn request<'a>(&'a self, core: &Core, method: &'a str) -> RequestFacts<'a> {
        match self.head.as_deref() {
            Some(head) => core.request_facts(method, (&head.headers, &head.extensions)),
            None => RequestFacts { method, ..RequestFacts::default() },
        }
    }
}
