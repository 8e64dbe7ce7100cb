//! The taps on the two bodies of an exchange.

use std::sync::Arc;

use http::request::Parts;
use http::{Method, StatusCode};

use super::body_notes::Side;
use super::http_exchange::HttpExchange;
use crate::capture::mcp::http::reading::{BodyEnd, BodyObserver, BodyReader, BodyTap, Content, UnreadReason};
use crate::capture::mcp::message::{Flaw, Message};
use crate::trail::{Direction, OpenCall, Pause};

/// An extension of responses that the proxy gives instead of the server: their bodies are not the server's answers.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "only the proxy answers by itself"))]
pub struct NotFromServer;

impl HttpExchange {
    /// The tap of the request's body, if it has one: servers may accept a message whatever the method.
    pub(crate) fn request_tap(self: &Arc<Self>, parts: &Parts, length: Option<u64>) -> Option<BodyTap> {
        self.note_media_type(Side::Request, &parts.headers);
        if length == Some(0) {
            self.request_over();
            return None;
        }
        let requests = RequestObserver::new(self);
        match BodyReader::of_request(self.reading(), &parts.headers) {
            Ok(reader) => Some(BodyTap::new(Some(reader), Box::new(requests), length)),
            Err(why) => {
                requests.unread(why.into());
                self.request_over();
                None
            }
        }
    }

    /// The head of the response arrived. Returns the tap of its body.
    pub(crate) fn response_tap(self: &Arc<Self>, response: &http::response::Parts, length: Option<u64>) -> BodyTap {
        self.see_head(response);
        let content = match response.extensions.get::<NotFromServer>() {
            None => Content::of_response(&response.headers),
            Some(_) => Content::Other,
        };
        let reader = BodyReader::of_response(self.reading(), content, &response.headers);
        let reader = reader.unwrap_or_else(|why| {
            self.unread(Side::Response, why.into());
            None
        });
        let has_no_body = *self.method() == Method::HEAD
            || matches!(response.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let responses = ResponseObserver::new(self, content);
        BodyTap::new(reader, Box::new(responses), if has_no_body { Some(0) } else { length })
    }
}

/// Receives the messages of the request's body.
pub(crate) struct RequestObserver(Arc<HttpExchange>);

/// Receives the messages of the response's body.
pub(crate) struct ResponseObserver {
    passage: Arc<HttpExchange>,
    content: Content,
}

impl RequestObserver {
    pub(crate) fn new(passage: &Arc<HttpExchange>) -> Self {
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
            // What it asks for is at its beginning.
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

impl BodyObserver for RequestObserver {
    fn message(&self, message: Message) {
        #[cfg(feature = "internals")]
        if let Some(held) = self.0.held() {
            let before = held.facts_of(&message);
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

    fn unread(&self, why: UnreadReason) {
        self.0.unread(Side::Request, why);
        #[cfg(feature = "internals")]
        if let Some(held) = self.0.held() {
            held.unread();
        }
    }

    fn size(&self, bytes: u64) {
        self.0.size(Side::Request, bytes);
    }

    fn over(&self, _: BodyEnd) {
        self.0.request_over();
    }

    fn pause(&self, is_much: bool) -> Option<Pause> {
        self.0.pause(is_much)
    }
}

impl ResponseObserver {
    pub(crate) fn new(passage: &Arc<HttpExchange>, content: Content) -> Self {
        Self { passage: passage.clone(), content }
    }
}

impl BodyObserver for ResponseObserver {
    fn message(&self, message: Message) {
        if message.kind(Direction::ServerToClient).is_some() {
            return self.passage.see_response(message);
        }
        // One event of a stream is not the end; a document is complete.
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

    fn unread(&self, why: UnreadReason) {
        self.passage.unread(Side::Response, why);
    }

    fn size(&self, bytes: u64) {
        self.passage.size(Side::Response, bytes);
    }

    fn over(&self, how: BodyEnd) {
        self.passage.over(how);
    }

    fn pause(&self, is_much: bool) -> Option<Pause> {
        self.passage.pause(is_much)
    }
}
