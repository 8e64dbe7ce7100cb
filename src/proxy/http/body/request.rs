//! The body of a request as it arrives. If nobody wants the rest of it any more, because there is no server or because that
//! has answered and closed, it is read on for a while: the record of a call that was refused names it.
//!
//! Invariants:
//! 1. What is relayed of it is relayed as if this were not here.
//! 2. It is read on for no more than [`MOST`] bytes and for no longer than [`LONGEST`], in a task of its own that nobody
//!    waits for but the end of the proxy.
//! 3. A client that asks whether it may send its body (`Expect: 100-continue`) is not told so by that.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::capture::mcp::TapBody;

/// A body that is read on.
#[derive(Debug)]
pub(crate) struct RequestBody {
    /// `None` once it is dropped.
    body: Option<TapBody<Incoming>>,
    /// The client has begun to send it, or does so unasked.
    is_sent: bool,
    token: DrainToken,
}

/// Held by all who read bodies.
pub(crate) type DrainToken = mpsc::Sender<Infallible>;

/// Tells when the last of them is done.
#[derive(Debug)]
pub(crate) struct AllDrained(mpsc::Receiver<Infallible>);

pub(crate) fn tracked() -> (DrainToken, AllDrained) {
    let (token, all) = mpsc::channel(1);
    (token, AllDrained(all))
}

impl AllDrained {
    /// Their clients are gone, so that takes no time.
    pub(crate) async fn wait(mut self) {
        drop(tokio::time::timeout(LEAVING, self.0.recv()).await);
    }
}

impl RequestBody {
    pub(crate) fn new(body: TapBody<Incoming>, head: &HeaderMap, token: &DrainToken) -> Self {
        Self { body: Some(body), is_sent: !head.contains_key(header::EXPECT), token: token.clone() }
    }

    /// Whether the client has begun to send it, or does so unasked.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// Whether somebody looks at it.
    pub(crate) fn is_tapped(&self) -> bool {
        self.body.as_ref().is_some_and(TapBody::is_tapped)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| self.is_sent && body.is_wanted()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(read_on(body, self.token.clone()));
        }
    }
}

async fn read_on(mut body: TapBody<Incoming>, token: DrainToken) {
    let reading = async {
        let mut left = MOST;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    drop(tokio::time::timeout(LONGEST, reading).await);
    // What it says is recorded when it is dropped.
    drop((body, token));
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_sent = true;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

/// Clients write what is called before what it is called with, so the beginning of a large body names its call.
const MOST: usize = 1 << 20;
/// As long as a client that sends that much needs over a slow line.
const LONGEST: Duration = Duration::from_secs(10);
const LEAVING: Duration = Duration::from_secs(1);
