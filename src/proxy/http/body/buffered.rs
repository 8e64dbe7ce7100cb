//! A body that is held back whole, and then relayed as it came, or with trace context in it.
//!
//! Invariants:
//! 1. It never takes more memory than its bound, and what its frames cost; all of them together, and those of each client, no
//!    more than is allowed for them ([`BufferBudget`]).
//! 2. RelayedResponse, it has the same frames, the same trailers and the same framing as if it had not been held. With trace context
//!    in it its data are one frame; if their length was told, another one is.
//! 3. What is too large to be held can be relayed all the same: what is here, and then the rest as it comes.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::capture::mcp::splice::Splices;
use crate::trail::{Client, Shared, Taken};

/// A body, or the beginning of one.
#[derive(Debug)]
pub(crate) struct BufferedBody<B> {
    frames: VecDeque<Frame<Bytes>>,
    /// What was told of its length when it came.
    hint: SizeHint,
    /// What was not held of it.
    rest: Option<B>,
    _taken: Option<Taken>,
}

/// What may be held of one body.
#[derive(Debug)]
pub(crate) struct BufferBudget {
    pub(crate) bound: u64,
    /// Of all bodies.
    pub(crate) of_all: u64,
    pub(crate) client: Option<Arc<Client>>,
}

/// A body that cannot be had whole.
#[derive(Debug)]
pub(crate) enum BufferError<B> {
    TooLarge(BufferedBody<B>),
    /// Too much is held of others, or of this client.
    TooMuch(BufferedBody<B>),
    /// Its client went away.
    Broken,
}

impl<B: Body<Data = Bytes> + Unpin> BufferedBody<B> {
    pub(crate) async fn read(mut body: B, budget: BufferBudget) -> Result<Self, BufferError<B>> {
        let BufferBudget { bound, of_all, client } = budget;
        let hint = body.size_hint();
        let (mut frames, mut size) = (VecDeque::new(), 0);
        let mut taken = client.map(|client| client.take_anyway(Shared::HeldBytes, 0));
        while size <= bound && hint.lower() <= bound {
            let Some(frame) = body.frame().await else {
                return Ok(Self { frames, hint, rest: None, _taken: taken });
            };
            let frame = frame.map_err(|_| BufferError::Broken)?;
            let more = length(&frame) + FRAME;
            size += more;
            frames.push_back(frame);
            if taken.as_mut().is_some_and(|taken| !taken.more(more, of_all)) {
                return Err(BufferError::TooMuch(Self { frames, hint, rest: Some(body), _taken: taken }));
            }
        }
        Err(BufferError::TooLarge(Self { frames, hint, rest: Some(body), _taken: taken }))
    }

    /// Reads on for a while what is not to be relayed: a client that is still writing when its connection is closed does not
    /// get to read why.
    pub(crate) async fn spend(self, bound: u64) {
        let Self { frames, rest: Some(mut body), _taken: taken, .. } = self else { return };
        drop((frames, taken));
        let mut left = bound.saturating_mul(16).max(LEAST_SPENT);
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(length(&frame) + FRAME);
            if left == 0 {
                break;
            }
        }
    }

    /// Whether some server could find a call in it: whether it names a method in any letters, or is JSON of a kind that is
    /// not read here.
    pub(crate) fn may_be_call(&self) -> bool {
        if !self.begins_as_message() {
            return false;
        }
        let whole: Vec<u8> = self.frames.iter().filter_map(Frame::data_ref).flatten().copied().collect();
        serde_json::from_slice(&whole).map_or(true, |NamesMethod(names_method)| names_method)
    }

    /// Whether it begins as a JSON-RPC message does.
    pub(crate) fn begins_as_message(&self) -> bool {
        let bytes = self.frames.iter().filter_map(Frame::data_ref).flatten();
        let mut significant = bytes.filter(|byte| !byte.is_ascii_whitespace() && !BYTE_ORDER_MARK.contains(byte));
        matches!(significant.next(), Some(b'{' | b'['))
    }

    /// Writes trace context into it, where that is possible, and tells its new length.
    pub(crate) fn splice(&mut self, splices: &Splices) -> Option<u64> {
        let mut whole = BytesMut::new();
        let data = self.frames.iter().filter_map(Frame::data_ref);
        let spliced = match (data.clone().count(), data.clone().next()) {
            (1, Some(only)) => splices.apply(only)?,
            _ => {
                data.for_each(|data| whole.extend_from_slice(data));
                splices.apply(&whole)?
            }
        };
        let length = spliced.len() as u64;
        self.frames.retain(|frame| !frame.is_data());
        self.frames.push_front(Frame::data(spliced.into()));
        if self.hint.exact().is_some() {
            self.hint = SizeHint::with_exact(length);
        }
        Some(length)
    }
}

/// Whether a document is an object that names a method, or an array that has one. Nothing of it is kept: a few bytes may be a
/// value that takes a hundred.
struct NamesMethod(bool);

impl<'de> Deserialize<'de> for NamesMethod {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Methods { is_element: false }).map(Self)
    }
}

struct Methods {
    is_element: bool,
}

impl<'de> DeserializeSeed<'de> for Methods {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Methods {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    /// Readers that take a key whatever its letters find it, too.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            found |= key.eq_ignore_ascii_case("method");
            map.next_value::<IgnoredAny>()?;
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<bool, A::Error> {
        let mut found = false;
        if self.is_element {
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
        } else {
            while let Some(names_method) = sequence.next_element_seed(Self { is_element: true })? {
                found |= names_method;
            }
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, |data| data.len() as u64)
}

impl<B: Body<Data = Bytes> + Unpin> Body for BufferedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match (self.frames.pop_front(), &mut self.rest) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, Some(rest)) => Pin::new(rest).poll_frame(context),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// What a frame costs beside its bytes, so that a body of single bytes is bounded, too.
const FRAME: u64 = 64;
const LEAST_SPENT: u64 = 1 << 20;
/// Of UTF-8, and of UTF-16 with the zeros that its ASCII has: readers of JSON guess those.
const BYTE_ORDER_MARK: [u8; 6] = [0xef, 0xbb, 0xbf, 0xfe, 0xff, 0];
