//! The body of a request as it arrives. If the rest is not needed any more, because there is no server or because the server
//! has answered and closed, the body is drained for a short time, so that the records of its calls name them.
//!
//! Invariants:
//! 1. The relayed part is relayed unchanged.
//! 2. A body is drained for at most [`MOST`] bytes and [`LONGEST`], in a task of its own; only the shutdown of the proxy waits
//!    for it.
//! 3. Draining does not tell a client that waits for `100 Continue` to send its body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use auditrail::capture::mcp::TapBody;
use auditrail::internals::TapBodyInside as _;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// A body that is drained when it is dropped.
#[derive(Debug)]
pub(crate) struct RequestBody {
    /// `None` once it is dropped.
    body: Option<TapBody<Incoming>>,
    /// The client has begun to send it, or does so unasked.
    is_sent: bool,
    token: DrainToken,
}

/// Held while a body is drained.
pub(crate) type DrainToken = mpsc::Sender<Infallible>;

/// Waits until all bodies are drained.
#[derive(Debug)]
pub(crate) struct AllDrained(mpsc::Receiver<Infallible>);

pub(crate) fn tracked() -> (DrainToken, AllDrained) {
    let (token, all) = mpsc::channel(1);
    (token, AllDrained(all))
}

impl AllDrained {
    /// The clients are gone, so this is quick.
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

    /// Whether a tap reads it.
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

/// Clients write the name of a call before its arguments, so the beginning of a large body names its call.
const MOST: usize = 1 << 20;
/// Long enough for that many bytes over a slow line.
const LONGEST: Duration = Duration::from_secs(10);
const LEAVING: Duration = Duration::from_secs(1);
