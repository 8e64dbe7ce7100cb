//! A body that is held in memory, and then relayed as it came, or with trace context in it.
//!
//! Invariants:
//! 1. A body never takes more memory than its bound and the cost of its frames. All bodies together, and those of one client,
//!    stay within their own bounds ([`BufferBudget`]).
//! 2. A relayed body has the frames, trailers and framing that it had on arrival. If trace context was written into it, its
//!    data are one frame, and a known length is updated.
//! 3. A body that is too large to be held can still be relayed: the buffered part first, then the rest as it arrives.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use auditrail::internals::splice::Splices;
use auditrail::internals::trail::{Client, Share, SharedResource};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A body, or its beginning.
#[derive(Debug)]
pub(crate) struct BufferedBody<B> {
    frames: VecDeque<Frame<Bytes>>,
    /// The length that was announced on arrival.
    hint: SizeHint,
    /// The part that is not buffered.
    rest: Option<B>,
    _taken: Option<Share>,
}

/// How much of one body may be held.
#[derive(Debug)]
pub(crate) struct BufferBudget {
    pub(crate) bound: u64,
    /// How many bytes of all bodies together.
    pub(crate) of_all: u64,
    pub(crate) client: Option<Arc<Client>>,
}

/// A body that cannot be buffered whole.
#[derive(Debug)]
pub(crate) enum BufferError<B> {
    TooLarge(BufferedBody<B>),
    /// Too much is held of all bodies, or of this client.
    TooMuch(BufferedBody<B>),
    /// The client disconnected.
    Broken,
}

impl<B: Body<Data = Bytes> + Unpin> BufferedBody<B> {
    pub(crate) async fn read(mut body: B, budget: BufferBudget) -> Result<Self, BufferError<B>> {
        let BufferBudget { bound, of_all, client } = budget;
        let hint = body.size_hint();
        let (mut frames, mut size) = (VecDeque::new(), 0);
        let mut taken = client.map(|client| client.take(SharedResource::HeldBytes, 0));
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

    /// Reads some more of a body that is not relayed: a client that is still writing when its connection is closed would not
    /// read the answer.
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

    /// Whether a server could find a call in the body: it names a method, in upper or lower case, or is JSON that is not
    /// understood here.
    pub(crate) fn may_be_call(&self) -> bool {
        if !self.begins_as_message() {
            return false;
        }
        let whole: Vec<u8> = self.frames.iter().filter_map(Frame::data_ref).flatten().copied().collect();
        serde_json::from_slice(&whole).map_or(true, |NamesMethod(names_method)| names_method)
    }

    /// Whether the body begins like a JSON-RPC message.
    pub(crate) fn begins_as_message(&self) -> bool {
        let bytes = self.frames.iter().filter_map(Frame::data_ref).flatten();
        let mut significant = bytes.filter(|byte| !byte.is_ascii_whitespace() && !BYTE_ORDER_MARK.contains(byte));
        matches!(significant.next(), Some(b'{' | b'['))
    }

    /// Writes trace context into the body, if possible, and returns its new length.
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

/// Whether a document is an object that names a method, or an array with such an object. Values are not kept: a few bytes of
/// JSON can become a hundred times as many in memory.
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

    /// Readers that ignore the case of a key find it as well.
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

/// What a frame costs in addition to its bytes, so that a body of single bytes is bounded as well.
const FRAME: u64 = 64;
const LEAST_SPENT: u64 = 1 << 20;
/// The bytes of the byte order marks of UTF-8 and UTF-16, and the zeros of ASCII in UTF-16: JSON readers detect these.
const BYTE_ORDER_MARK: [u8; 6] = [0xef, 0xbb, 0xbf, 0xfe, 0xff, 0];
