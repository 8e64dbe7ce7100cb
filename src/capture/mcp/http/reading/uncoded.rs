//! Reads a coded request (`Content-Encoding`) as servers without codings do: Starlette, hyper and Go's `net/http` read the bytes
//! undecoded. Express decodes them, and refuses bodies that it cannot decode.
//!
//! Invariant: only a complete message counts; a body that is really coded has none.

use std::fmt;
use std::sync::Arc;

use super::content::Coding;
use crate::capture::mcp::message::{Message, ScanOptions};
use crate::capture::mcp::profile::Profile;
use crate::capture::mcp::scan::{Documents, TextScanner};

/// Reads the bytes of a body without decoding them.
pub(crate) struct Uncoded {
    texts: Box<TextScanner>,
    has_message: bool,
}

impl Uncoded {
    pub(crate) fn new(reading: &Arc<ScanOptions>) -> Self {
        Self { texts: Box::new(TextScanner::new(reading.clone(), Documents::One)), has_message: false }
    }

    pub(crate) fn read(&mut self, bytes: &[u8], see: &mut dyn FnMut(Message)) {
        let Self { texts, has_message } = self;
        texts.read(bytes, &mut whole(has_message, see));
    }

    /// No more will come. Returns whether there was a message in it.
    pub(crate) fn end(mut self, see: &mut dyn FnMut(Message)) -> bool {
        let Self { texts, has_message } = &mut self;
        texts.end(&mut whole(has_message, see));
        self.has_message
    }
}

impl fmt::Debug for Uncoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uncoded").field("has_message", &self.has_message).finish_non_exhaustive()
    }
}

fn whole(has_message: &mut bool, see: &mut dyn FnMut(Message)) -> impl FnMut(Message) {
    move |message| {
        if message.flaw.is_none() && message.method.is_some() {
            *has_message = true;
            see(marked(message, Profile::Starlette));
        }
    }
}

/// Marks it as seen only by that reader.
pub(crate) fn marked(mut message: Message, reader: Profile) -> Message {
    message.reader.get_or_insert(reader);
    message
}

/// Whether a body of that coding cannot begin with that byte, although JSON can. (For brotli and bare deflate only a
/// brace decides: with it, brotli data would be empty, and deflate data would begin with a character that is not
/// JSON.)
pub(crate) fn is_not_coded(coding: Coding, first: u8) -> bool {
    match coding {
        Coding::Gzip | Coding::Zstd => begins_text(first),
        Coding::Deflate | Coding::Brotli => first == b'{',
    }
}

/// Whether a message may begin with that byte, with or without whitespace or a mark before it.
pub(crate) fn begins_text(first: u8) -> bool {
    matches!(first, b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' | 0 | 0xef | 0xfe | 0xff)
}
