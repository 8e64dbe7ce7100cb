//! The messages in the bytes of a body.

use std::sync::Arc;

use http::{HeaderMap, Method};

use super::content::{Coding, Codings, Content, has_other_charset};
use super::decode::{Decoder, Undecodable};
use crate::capture::mcp::message::{Message, Reading};
use crate::capture::mcp::scan::{Documents, Events, Texts};

/// Reads one body.
pub(super) struct Reader {
    decoder: Decoder,
    messages: Messages,
    /// What a request says it is coded in on the wire, until its first byte has told whether it is.
    said: Option<Said>,
    /// A server may read its bytes as something else.
    has_other_charset: bool,
}

#[derive(Clone, Copy)]
enum Said {
    Coded(Coding),
    Unknown,
}

enum Messages {
    Json(Box<Texts>),
    /// JSON that is not called so, read as long as it looks like a message.
    Guessed(Box<Texts>, Guess),
    Events(Box<Events>),
    /// It is none.
    None,
}

/// What a body that may be a message begins with, but for whitespace, marks and zeros.
#[derive(Clone, Copy)]
enum Guess {
    Nothing,
    Object,
    Array,
    Message,
}

impl Reader {
    /// A reader of a request's body, if there is something to read.
    pub(super) fn of_request(
        reading: &Arc<Reading>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Undecodable> {
        let content = Content::of_request(method, headers);
        let (codings, said) = match Coding::of(headers) {
            Some(codings) => (codings.clone(), codings.last().copied().map(Said::Coded)),
            None => (Vec::new(), Some(Said::Unknown)),
        };
        let reader = Self::new(reading, (content, Some(codings)), Documents::One)?;
        Ok(reader.map(|reader| Self { said, has_other_charset: has_other_charset(headers), ..reader }))
    }

    /// A reader of a response's body, if there is something to read. Servers may send several documents, as they come.
    pub(super) fn of_response(
        reading: &Arc<Reading>,
        content: Content,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Undecodable> {
        Self::new(reading, (content, Coding::of(headers)), Documents::Many)
    }

    fn new(
        reading: &Arc<Reading>,
        (content, codings): (Content, Codings),
        documents: Documents,
    ) -> Result<Option<Self>, Undecodable> {
        let texts = || Box::new(Texts::new(reading.clone(), documents));
        let messages = match content {
            Content::Other => return Ok(None),
            Content::Json => Messages::Json(texts()),
            Content::Guessed => Messages::Guessed(texts(), Guess::Nothing),
            Content::Events => Messages::Events(Box::new(Events::new(reading.clone()))),
        };
        let decoder = Decoder::new(codings)?;
        Ok(Some(Self { decoder, messages, said: None, has_other_charset: false }))
    }

    /// Whether it is only tried.
    #[cfg(feature = "proxy")]
    pub(super) fn guesses(&self) -> bool {
        matches!(self.messages, Messages::Guessed(..) | Messages::None)
    }

    pub(super) fn read(&mut self, bytes: &[u8], see: &mut dyn FnMut(Message)) -> Result<(), Undecodable> {
        let Some(first) = bytes.first() else { return Ok(()) };
        // Most servers do not know of codings of requests, and read what is here.
        match self.said.take() {
            Some(Said::Coded(coding)) if is_not_coded(coding, *first) => self.decoder = Decoder::new(Some(Vec::new()))?,
            Some(Said::Unknown) if !begins_text(*first) => return Err(Undecodable::Unknown),
            _ => {}
        }
        let Self { decoder, messages, has_other_charset, .. } = self;
        let mut see = doubting(*has_other_charset, see);
        decoder.decode(bytes, &mut |bytes| {
            if let Messages::Guessed(_, guess) = messages
                && !guess.goes_on(bytes)
            {
                *messages = Messages::None;
            }
            match messages {
                Messages::Json(texts) | Messages::Guessed(texts, _) => texts.read(bytes, &mut see),
                Messages::Events(events) => events.read(bytes, &mut see),
                Messages::None => {}
            }
        })
    }

    /// Where a stream of the transport of 2024-11-05 has told its client to send messages, if it has since this was asked.
    pub(super) fn take_endpoint(&mut self) -> Option<String> {
        match &mut self.messages {
            Messages::Events(events) => events.take_endpoint(),
            _ => None,
        }
    }

    /// No more will come. An event that is not complete is none, by the specification of event streams.
    pub(super) fn end(&mut self, see: &mut dyn FnMut(Message)) -> Result<(), Undecodable> {
        let mut see = doubting(self.has_other_charset, see);
        match &mut self.messages {
            Messages::Json(texts) | Messages::Guessed(texts, Guess::Message) => texts.end(&mut see),
            Messages::Events(events) => events.end(),
            Messages::Guessed(..) | Messages::None => {}
        }
        self.decoder.end()
    }
}

fn doubting(has_other_charset: bool, see: &mut dyn FnMut(Message)) -> impl FnMut(Message) {
    move |mut message| {
        message.doubts.charset = has_other_charset;
        see(message);
    }
}

/// Whether a body of that coding, if it is JSON, cannot begin so, and JSON can. (Of brotli and of bare deflate only a brace
/// tells: with that, the one is empty and the other begins with no character of JSON.)
fn is_not_coded(coding: Coding, first: u8) -> bool {
    match coding {
        Coding::Gzip | Coding::Zstd => begins_text(first),
        Coding::Deflate | Coding::Brotli => first == b'{',
    }
}

/// Whether a message may begin so, with or without whitespace or a mark before it.
fn begins_text(first: u8) -> bool {
    matches!(first, b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' | 0 | 0xef | 0xfe | 0xff)
}

impl Guess {
    /// Whether it may be a message with those bytes, too.
    fn goes_on(&mut self, bytes: &[u8]) -> bool {
        let is_mark = |byte: &u8| matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff);
        for byte in bytes.iter().filter(|byte| !byte.is_ascii_whitespace() && !is_mark(byte)) {
            *self = match (*self, byte) {
                (Self::Message, _) => return true,
                (Self::Nothing, b'{') => Self::Object,
                (Self::Nothing | Self::Array, b'[') => Self::Array,
                (Self::Object, b'"') => Self::Message,
                (Self::Array, b'{') => Self::Object,
                _ => return false,
            };
        }
        true
    }
}
