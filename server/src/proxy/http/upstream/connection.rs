//! One connection to a server.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};

use super::connect::ServerStream;
use super::error::{FailedRequest, UpstreamError};
use super::upload::TrackedBody;
use crate::proxy::http::body::OutgoingBody;
use crate::proxy::http::capacity::ServerSlot;
use crate::proxy::http::limits::{BUFFER, MAX_HEADERS};

/// A connection that its holder drives.
pub(super) struct ServerConnection {
    sender: SendRequest<TrackedBody<OutgoingBody>>,
    /// `None` once the connection is closed.
    connection: Option<Pin<Box<Http1>>>,
    slot: ServerSlot,
}

type Http1 = Connection<ServerStream, TrackedBody<OutgoingBody>>;

/// A request that got no answer.
pub(super) struct SendError(Box<TrySendError<Request<TrackedBody<OutgoingBody>>>>);

impl ServerConnection {
    pub(super) async fn open(stream: ServerStream, slot: ServerSlot) -> Result<Self, UpstreamError> {
        let mut builder = Builder::new();
        builder.preserve_header_case(true).title_case_headers(true).max_buf_size(BUFFER).max_headers(MAX_HEADERS);
        let (sender, connection) = builder.handshake(stream).await.map_err(UpstreamError::Broken)?;
        Ok(Self { sender, connection: Some(Box::pin(connection)), slot })
    }

    /// The head of the answer, and the connection, which delivers the body.
    pub(super) async fn send(
        mut self,
        request: Request<TrackedBody<OutgoingBody>>,
    ) -> Result<(Response<Incoming>, Self), SendError> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let answered = poll_fn(|context| {
            if let Poll::Ready(answered) = answer.as_mut().poll(context) {
                return Poll::Ready(answered);
            }
            drive(&mut self.connection, context);
            answer.as_mut().poll(context)
        });
        match answered.await {
            Ok(response) => Ok((response, self)),
            Err(error) => Err(SendError(Box::new(error))),
        }
    }

    /// Reads and writes as much as is possible without waiting.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.connection, context);
    }

    /// Whether the connection can take another request.
    pub(super) fn is_free(&mut self) -> bool {
        // Nobody waits for it, but it may have been closed since.
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Runs in a task until the exchange is over, and closes the connection then.
    pub(super) fn detach(self) {
        let Self { connection, slot, .. } = self;
        if let Some(connection) = connection {
            tokio::spawn(async move {
                drop(connection.await);
                drop(slot);
            });
        }
    }

    /// Writes the remaining bytes in a task, and closes the connection.
    pub(super) fn finish(self) {
        let Self { connection, slot, .. } = self;
        if let Some(connection) = connection {
            tokio::spawn(async move {
                drop(tokio::time::timeout(LINGER, connection).await);
                drop(slot);
            });
        }
    }
}

/// An error of the connection reaches the reader of the answer.
fn drive(connection: &mut Option<Pin<Box<Http1>>>, context: &mut Context<'_>) {
    if let Some(running) = connection
        && running.as_mut().poll(context).is_ready()
    {
        *connection = None;
    }
}

impl SendError {
    /// The request, if none of it was sent.
    pub(super) fn request(mut self) -> Result<Request<TrackedBody<OutgoingBody>>, Box<FailedRequest>> {
        self.0.take_message().ok_or_else(|| self.into_failed())
    }

    pub(super) fn into_failed(mut self) -> Box<FailedRequest> {
        let unsent = self.0.take_message().map(|request| request.into_body().into_inner());
        Box::new(FailedRequest { error: UpstreamError::Broken(self.0.into_error()), unsent })
    }
}

impl fmt::Debug for ServerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConnection").field("is_over", &self.connection.is_none()).finish_non_exhaustive()
    }
}

/// How long a server that has answered may take to read the rest of its request.
const LINGER: Duration = Duration::from_secs(30);
