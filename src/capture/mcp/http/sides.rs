//! What the two bodies of an exchange say.

use std::sync::Arc;

use super::content::Content;
use super::passage::{Passage, Side};
use super::tap::{Observer, Over};
use super::unread::Unread;
use crate::capture::mcp::message::{Flaw, Message};
use crate::trail::{Direction, OpenCall, Pause};

/// What the request's body says.
pub(super) struct Requests(Arc<Passage>);

/// What the response's body says.
pub(super) struct Responses {
    passage: Arc<Passage>,
    content: Content,
}

impl Requests {
    pub(super) fn new(passage: &Arc<Passage>) -> Self {
        Self(passage.clone())
    }

    fn see(&self, message: Message) -> Option<Arc<OpenCall>> {
        if message.doubts.charset {
            self.0.other_charset(&message);
            return None;
        }
        match message.flaw {
            None if self.0.is_beside_mcp(&message) => {
                self.0.foreign();
                None
            }
            None => self.0.see_request(message),
            // What it asks for stands at its beginning.
            Some(Flaw::TooDeep) if message.method.is_some() => self.0.see_request(message),
            Some(Flaw::NotAMessage) => {
                self.0.foreign();
                None
            }
            Some(flaw @ (Flaw::NotJson | Flaw::TooDeep)) => {
                self.0.may_ask(&message);
                self.0.obscure(Side::Request, flaw);
                None
            }
        }
    }
}

impl Observer for Requests {
    fn message(&self, message: Message) {
        #[cfg(feature = "proxy")]
        if let Some(held) = self.0.held() {
            let before = held.before(&message);
            let call = self.see(message);
            return held.tell(before, call);
        }
        drop(self.see(message));
    }

    fn cut_off(&self, message: Message) {
        if message.doubts.charset {
            return self.0.other_charset(&message);
        }
        self.0.cut_off(message);
    }

    fn unread(&self, why: Unread) {
        self.0.unread(Side::Request, why);
        #[cfg(feature = "proxy")]
        if let Some(held) = self.0.held() {
            held.unread();
        }
    }

    fn size(&self, bytes: u64) {
        self.0.size(Side::Request, bytes);
    }

    fn over(&self, _: Over) {
        self.0.request_over();
    }

    fn pause(&self, is_much: bool) -> Option<Pause> {
        self.0.pause(is_much)
    }
}

impl Responses {
    pub(super) fn new(passage: &Arc<Passage>, content: Content) -> Self {
        Self { passage: passage.clone(), content }
    }
}

impl Observer for Responses {
    fn message(&self, message: Message) {
        if message.kind(Direction::ServerToClient).is_some() {
            return self.passage.see_response(message);
        }
        // Of a stream, one event is none; a document is all there is.
        match message.flaw {
            Some(flaw @ (Flaw::NotJson | Flaw::TooDeep)) if self.content == Content::Json => {
                self.passage.obscure(Side::Response, flaw);
            }
            _ => self.passage.flawed(),
        }
    }

    fn endpoint(&self, uri: &str) {
        self.passage.begin_stream(uri);
    }

    fn unread(&self, why: Unread) {
        self.passage.unread(Side::Response, why);
    }

    fn size(&self, bytes: u64) {
        self.passage.size(Side::Response, bytes);
    }

    fn over(&self, how: Over) {
        self.passage.over(how);
    }

    fn pause(&self, is_much: bool) -> Option<Pause> {
        self.passage.pause(is_much)
    }
}
