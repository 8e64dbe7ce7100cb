//! A body that is held back whole, and then relayed as it came.
//!
//! Invariants:
//! 1. It never takes more memory than its bound, and what its frames cost.
//! 2. Relayed, it has the same frames, the same trailers and the same framing as if it had not been held.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// All of a body.
#[derive(Debug)]
pub(super) struct HeldBody {
    frames: VecDeque<Frame<Bytes>>,
    /// What was told of its length when it came.
    hint: SizeHint,
}

/// A body that cannot be had whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unheld {
    TooLarge,
    /// Its client went away.
    Broken,
}

impl HeldBody {
    pub(super) async fn read<B: Body<Data = Bytes> + Unpin>(mut body: B, bound: u64) -> Result<Self, Unheld> {
        let hint = body.size_hint();
        if hint.lower() > bound {
            return Err(spent(body, bound).await);
        }
        let (mut frames, mut size) = (VecDeque::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Unheld::Broken)?;
            size += length(&frame) + FRAME;
            if size > bound {
                drop(frames);
                return Err(spent(body, bound).await);
            }
            frames.push_back(frame);
        }
        Ok(Self { frames, hint })
    }

    /// Whether it could be a JSON-RPC message.
    pub(super) fn may_be_message(&self) -> bool {
        let bytes = self.frames.iter().filter_map(Frame::data_ref).flatten();
        let mut significant = bytes.filter(|byte| !byte.is_ascii_whitespace() && !BYTE_ORDER_MARK.contains(byte));
        matches!(significant.next(), Some(b'{' | b'['))
    }
}

/// Reads on for a while: a client that is still writing when its connection is closed does not get to read why.
async fn spent<B: Body<Data = Bytes> + Unpin>(mut body: B, bound: u64) -> Unheld {
    let mut left = bound.saturating_mul(16).max(LEAST_SPENT);
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(length(&frame) + FRAME);
        if left == 0 {
            break;
        }
    }
    Unheld::TooLarge
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, |data| data.len() as u64)
}

impl Body for HeldBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.frames.pop_front().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
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
