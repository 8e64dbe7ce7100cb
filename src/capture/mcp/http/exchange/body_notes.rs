//! Notes on the two bodies of an exchange, for the records of bodies that could not be read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::HeaderMap;

use crate::capture::mcp::http::reading::media_type;
use crate::capture::mcp::message::Message;
use crate::locks::Mutex;
use crate::record::{Value, names};

/// The notes, by [`Side`].
#[derive(Debug, Default)]
pub(super) struct BodyNotes {
    is_unread: [AtomicBool; 2],
    /// Why the first of them could not be read.
    flaw: OnceLock<&'static str>,
    /// What other readers may find in the request.
    readings: Mutex<Vec<String>>,
    media_types: [OnceLock<String>; 2],
    sizes: [AtomicU64; 2],
}

/// The sender of a body.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Request,
    Response,
}

impl BodyNotes {
    pub(super) fn is_unread(&self, side: Side) -> bool {
        self.is_unread.get(side as usize).is_some_and(|is_unread| is_unread.load(Ordering::Relaxed))
    }

    /// That many bytes of that side have passed.
    pub(crate) fn size(&self, side: Side, bytes: u64) {
        if let Some(size) = self.sizes.get(side as usize) {
            size.store(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn note_media_type(&self, side: Side, headers: &HeaderMap) {
        if let Some((noted, media_type)) = self.media_types.get(side as usize).zip(media_type(headers)) {
            noted.get_or_init(|| media_type);
        }
    }

    /// The facts of a body that could not be read, and of the answer to it.
    pub(super) fn facts(&self) -> Vec<(&'static str, Value)> {
        let [request, response] = &self.media_types;
        let media_types = [
            (names::HTTP_REQUEST_HEADER_CONTENT_TYPE, request.get()),
            (names::HTTP_RESPONSE_HEADER_CONTENT_TYPE, response.get()),
        ];
        let [request, response] = &self.sizes;
        let sizes = [(names::HTTP_REQUEST_BODY_SIZE, request), (names::HTTP_RESPONSE_BODY_SIZE, response)];
        let size = |size: &AtomicU64| i64::try_from(size.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let listed = |text: &str| Value::from(vec![text.to_owned()]);
        let mut facts: Vec<_> = sizes.into_iter().map(|(name, bytes)| (name, size(bytes).into())).collect();
        facts.extend(media_types.into_iter().filter_map(|(name, text)| Some((name, listed(text?)))));
        facts.extend(self.flaw.get().map(|flaw| (names::AUDITRAIL_MESSAGE_FLAW, listed(flaw))));
        let readings = self.readings.lock().clone();
        facts.extend((!readings.is_empty()).then(|| (names::AUDITRAIL_MESSAGE_READINGS, readings.into())));
        facts
    }

    pub(super) fn mark_unread(&self, side: Side, flaw: &'static str) {
        self.flaw.get_or_init(|| flaw);
        if let Some(is_unread) = self.is_unread.get(side as usize) {
            is_unread.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn has_bytes(&self, side: Side) -> bool {
        self.sizes.get(side as usize).is_some_and(|size| size.load(Ordering::Relaxed) != 0)
    }

    /// The request could not be read, and some server understands this message: `DecodeStep` of Go reads the first
    /// document of a body.
    pub(crate) fn may_ask(&self, message: &Message) {
        let mut readings = self.readings.lock();
        if let Some(reading) = reading(message).filter(|reading| !readings.contains(reading))
            && readings.len() < MOST_READINGS
        {
            readings.push(reading);
        }
    }
}

/// The call that a message asks for.
fn reading(message: &Message) -> Option<String> {
    let method = message.method.as_deref()?;
    let whole = match message.params.name.as_deref() {
        Some(name) if matches!(method, "tools/call" | "prompts/get") => format!("{method} {name}"),
        _ => method.to_owned(),
    };
    Some(crate::record::cut(&whole, MAX_READING).to_owned())
}

/// Enough to see what it was; the rest of a batch is similar.
const MOST_READINGS: usize = 16;
const MAX_READING: usize = 512;
