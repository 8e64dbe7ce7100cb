//! The messages in the bytes of a body.

use std::sync::Arc;

use super::content::{Coding, Content};
use super::decode::{Decoder, Undecodable};
use crate::capture::mcp::message::{Message, Reading};
use crate::capture::mcp::scan::{Documents, Events, Scanner};

/// Reads one body.
pub(super) struct Reader {
    decoder: Decoder,
    messages: Messages,
}

enum Messages {
    Json(Box<Scanner>),
    Events(Box<Events>),
}

impl Reader {
    /// A reader of a request's body, if there is something to read.
    pub(super) fn of_request(reading: Arc<Reading>, of: (Content, Coding)) -> Result<Option<Self>, Undecodable> {
        Self::new(reading, of, Documents::One)
    }

    /// A reader of a response's body, if there is something to read. Servers may send several documents, as they come.
    pub(super) fn of_response(reading: Arc<Reading>, of: (Content, Coding)) -> Result<Option<Self>, Undecodable> {
        Self::new(reading, of, Documents::Many)
    }

    fn new(
        reading: Arc<Reading>,
        (content, coding): (Content, Coding),
        documents: Documents,
    ) -> Result<Option<Self>, Undecodable> {
        let messages = match content {
            Content::Other => return Ok(None),
            Content::Json => Messages::Json(Box::new(Scanner::new(reading, documents))),
            Content::Events => Messages::Events(Box::new(Events::new(reading))),
        };
        Ok(Some(Self { decoder: Decoder::new(coding)?, messages }))
    }

    pub(super) fn read(&mut self, bytes: &[u8], mut see: &mut dyn FnMut(Message)) -> Result<(), Undecodable> {
        let Self { decoder, messages } = self;
        decoder.decode(bytes, &mut |bytes| match messages {
            Messages::Json(scanner) => scanner.read(bytes, &mut see),
            Messages::Events(events) => events.read(bytes, &mut see),
        })
    }

    /// Where a stream of the transport of 2024-11-05 has told its client to send messages, if it has since this was asked.
    pub(super) fn take_endpoint(&mut self) -> Option<String> {
        match &mut self.messages {
            Messages::Json(_) => None,
            Messages::Events(events) => events.take_endpoint(),
        }
    }

    /// No more will come. An event that is not complete is none, by the specification of event streams.
    pub(super) fn end(&mut self, mut see: &mut dyn FnMut(Message)) {
        match &mut self.messages {
            Messages::Json(scanner) => scanner.end(&mut see),
            Messages::Events(events) => events.end(),
        }
    }
}
