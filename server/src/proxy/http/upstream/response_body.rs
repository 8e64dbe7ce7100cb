//! The body of a server's response.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::ServerConnection;
use super::idle::PoolReturn;
use super::upload::UploadState;

/// A body that is read from its connection when it is polled: all frames that have arrived are ready one after the other.
#[derive(Debug)]
pub(crate) struct ServerBody {
    body: Incoming,
    /// `None` if a task drives the connection, or the pool has it again.
    channel: Option<ServerConnection>,
    home: PoolReturn,
}

impl ServerBody {
    pub(super) fn new(body: Incoming, channel: ServerConnection, upload: &UploadState, home: PoolReturn) -> Self {
        let mut answer = Self { body, channel: None, home };
        if upload.is_over() {
            answer.channel = Some(channel);
            answer.finish_at_end();
        } else {
            // The request must go on while nobody reads the answer.
            channel.detach();
        }
        answer
    }

    /// With a `Content-Length`, the body is not polled past its last byte.
    fn finish_at_end(&mut self) {
        if self.body.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(channel) = self.channel.take() {
            self.home.put(channel);
        }
    }
}

impl Body for ServerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut frame = Pin::new(&mut this.body).poll_frame(context);
        if frame.is_pending()
            && let Some(channel) = &mut this.channel
        {
            channel.drive(context);
            frame = Pin::new(&mut this.body).poll_frame(context);
        }
        match &frame {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => this.finish_at_end(),
            // Nobody polls past the trailers either.
            Poll::Ready(_) => this.finish(),
            Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
