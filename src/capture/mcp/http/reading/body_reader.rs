//! Reads the messages in the bytes of a body.

use std::sync::Arc;

use http::HeaderMap;

use super::charset::Charset;
use super::content::{Coding, Codings, Content};
use super::decode::{Decoder, Undecodable};
use super::uncoded::{Uncoded, begins_text, is_not_coded, marked};
use crate::capture::mcp::message::{Message, ScanOptions};
use crate::capture::mcp::profile::Profile;
use crate::capture::mcp::scan::{Documents, Events, TextScanner};

/// Reads one body.
pub(crate) struct BodyReader {
    decoder: Decoder,
    messages: MessageFraming,
    reading: Arc<ScanOptions>,
    /// Only for a request.
    odd: Oddities,
}

/// Parts of a request's head that some servers ignore.
#[derive(Debug, Default)]
struct Oddities {
    /// Its declared coding, until the first byte has shown whether it is true.
    said: Option<DeclaredCoding>,
    /// It may be coded or not, and is read both ways.
    uncoded: Option<Uncoded>,
    /// It cannot have the declared coding.
    is_uncoded: bool,
    /// The coded content could not be read to its end.
    damage: Option<Undecodable>,
    /// It is in another charset.
    has_other_charset: bool,
}

#[derive(Debug, Clone, Copy)]
enum DeclaredCoding {
    Coded(Coding),
    Unknown,
}

enum MessageFraming {
    Json(Box<TextScanner>),
    /// JSON with another declared type, read as long as it looks like a message.
    Guessed(Box<TextScanner>, Guess),
    Events(Box<Events>),
    /// It is not a message.
    None,
}

/// How a body that may be a message begins, apart from whitespace, marks and zeros.
#[derive(Clone, Copy)]
enum Guess {
    Nothing,
    Object,
    Array,
    Message,
}

impl BodyReader {
    /// Creates a reader of a request's body.
    pub(crate) fn of_request(reading: &Arc<ScanOptions>, headers: &HeaderMap) -> Result<Self, Undecodable> {
        let charset = Charset::of(headers);
        let content = match (Content::of_request(headers), charset) {
            // Its bytes do not show whether it looks like a message.
            (Content::Guessed, Charset::Any) => Content::Json,
            (content, _) => content,
        };
        let (codings, said) = match Coding::of(headers) {
            Some(codings) => (codings.clone(), codings.last().copied().map(DeclaredCoding::Coded)),
            None => (Vec::new(), Some(DeclaredCoding::Unknown)),
        };
        let odd = Oddities { said, has_other_charset: charset != Charset::Unicode, ..Oddities::default() };
        Ok(Self { odd, ..Self::new(reading, (content, Some(codings)), Documents::One)? })
    }

    /// Creates a reader of a response's body, if there is something to read. Servers may send several documents, one
    /// after the other.
    pub(crate) fn of_response(
        reading: &Arc<ScanOptions>,
        content: Content,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Undecodable> {
        if content == Content::Other {
            return Ok(None);
        }
        Self::new(reading, (content, Coding::of(headers)), Documents::Many).map(Some)
    }

    fn new(
        reading: &Arc<ScanOptions>,
        (content, codings): (Content, Codings),
        documents: Documents,
    ) -> Result<Self, Undecodable> {
        let texts = || Box::new(TextScanner::new(reading.clone(), documents));
        let messages = match content {
            Content::Other => MessageFraming::None,
            Content::Json => MessageFraming::Json(texts()),
            Content::Guessed => MessageFraming::Guessed(texts(), Guess::Nothing),
            Content::Events => MessageFraming::Events(Box::new(Events::new(reading.clone()))),
        };
        Ok(Self { decoder: Decoder::new(codings)?, messages, reading: reading.clone(), odd: Oddities::default() })
    }

    /// Whether it only guesses that this is a message.
    #[cfg(feature = "internals")]
    pub(crate) fn guesses(&self) -> bool {
        matches!(self.messages, MessageFraming::Guessed(..) | MessageFraming::None)
    }

    pub(crate) fn read(&mut self, bytes: &[u8], see: &mut dyn FnMut(Message)) -> Result<(), Undecodable> {
        let Some(first) = bytes.first() else { return Ok(()) };
        if let Some(said) = self.odd.said.take() {
            self.begin(said, *first)?;
        }
        let Self { decoder, messages, odd, .. } = self;
        let marks = odd.marks();
        let mut see = |message| see(marks.on(message));
        if let Some(uncoded) = &mut odd.uncoded {
            uncoded.read(bytes, &mut see);
        }
        if odd.damage.is_some() {
            return Ok(());
        }
        let decoded = decoder.decode(bytes, &mut |bytes| messages.read(bytes, &mut see));
        match decoded {
            Err(why) if odd.uncoded.is_some() => odd.damage = Some(why),
            Err(why) => {
                messages.end(&mut whole(&mut see));
                return Err(why);
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// Decides by its first byte.
    fn begin(&mut self, said: DeclaredCoding, first: u8) -> Result<(), Undecodable> {
        match said {
            DeclaredCoding::Unknown if !begins_text(first) => return Err(Undecodable::Unknown),
            DeclaredCoding::Unknown => self.odd.is_uncoded = true,
            DeclaredCoding::Coded(coding) if is_not_coded(coding, first) => {
                self.decoder = Decoder::new(Some(Vec::new()))?;
                self.odd.is_uncoded = true;
            }
            DeclaredCoding::Coded(_) => self.odd.uncoded = begins_text(first).then(|| Uncoded::new(&self.reading)),
        }
        Ok(())
    }

    /// Where an event stream of the transport of 2024-11-05 has told its client to send messages, if it has since the
    /// last call.
    pub(crate) fn take_endpoint(&mut self) -> Option<String> {
        match &mut self.messages {
            MessageFraming::Events(events) => events.take_endpoint(),
            _ => None,
        }
    }

    /// No more will come. By the specification of event streams, an incomplete event does not count.
    pub(crate) fn end(&mut self, see: &mut dyn FnMut(Message)) -> Result<(), Undecodable> {
        let Self { decoder, messages, odd, .. } = self;
        let marks = odd.marks();
        let mut see = |message| see(marks.on(message));
        let is_told = odd.uncoded.take().is_some_and(|uncoded| uncoded.end(&mut see));
        let decoded = odd.damage.map_or_else(|| decoder.end(), Err);
        match decoded {
            Err(_) if is_told => return Ok(()),
            Err(_) if odd.damage.is_some() => {}
            _ => messages.end(&mut see),
        }
        decoded
    }
}

impl MessageFraming {
    fn read(&mut self, bytes: &[u8], see: &mut impl FnMut(Message)) {
        if let Self::Guessed(_, guess) = self
            && !guess.goes_on(bytes)
        {
            *self = Self::None;
        }
        match self {
            Self::Json(texts) | Self::Guessed(texts, _) => texts.read(bytes, see),
            Self::Events(events) => events.read(bytes, see),
            Self::None => {}
        }
    }

    fn end(&mut self, see: &mut impl FnMut(Message)) {
        match self {
            Self::Json(texts) | Self::Guessed(texts, Guess::Message) => texts.end(see),
            Self::Events(events) => events.end(),
            Self::Guessed(..) | Self::None => {}
        }
    }
}

/// The marks for all of its messages.
#[derive(Clone, Copy)]
struct MessageMarks {
    is_uncoded: bool,
    has_other_charset: bool,
}

impl Oddities {
    fn marks(&self) -> MessageMarks {
        MessageMarks { is_uncoded: self.is_uncoded, has_other_charset: self.has_other_charset }
    }
}

impl MessageMarks {
    fn on(self, mut message: Message) -> Message {
        message.doubts.charset = self.has_other_charset;
        if self.is_uncoded { marked(message, Profile::Starlette) } else { message }
    }
}

/// After the coded data, there may be more, which not all readers look at: messages that were complete before count.
fn whole(see: &mut impl FnMut(Message)) -> impl FnMut(Message) {
    move |message| {
        if message.flaw.is_none() {
            see(marked(message, Profile::NodeZlib));
        }
    }
}

impl Guess {
    /// Whether it may still be a message with those bytes.
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
