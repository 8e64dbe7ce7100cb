//! One connection of a client.

use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::coalesced_wakes::CoalescedWakes;
use super::first_byte_timeout::{FirstByteTimeout, WriteBacklog};
use super::router::{ConnectionService, Router};
use crate::proxy::http::capacity::ClientSlot;
use crate::proxy::http::limits::{BUFFER, KEEP_ALIVE, MAX_HEADERS};

/// How connections of one listener are served.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionServer {
    builder: Builder<TokioExecutor>,
    gate: Arc<Router>,
    head: Duration,
    #[cfg(feature = "tls")]
    acceptor: Option<Acceptor>,
}

/// tokio-rustls has no `Debug` for it.
#[cfg(feature = "tls")]
#[derive(Clone)]
pub(crate) struct Acceptor(pub(crate) tokio_rustls::TlsAcceptor);

impl ConnectionServer {
    /// `head` is the time for heads of requests, and for all that comes before the first.
    pub(crate) fn new(gate: Router, head: Duration, #[cfg(feature = "tls")] acceptor: Option<Acceptor>) -> Self {
        Self {
            builder: builder(head),
            gate: Arc::new(gate),
            head,
            #[cfg(feature = "tls")]
            acceptor,
        }
    }

    /// Serves until it is closed: by one of its ends, or because its place is wanted. What goes wrong on it is between its
    /// two ends.
    pub(crate) async fn serve(self, stream: TcpStream, peer: SocketAddr, slot: ClientSlot, end: Watcher) {
        let front = self.gate.front(peer, stream.local_addr().ok(), slot.client());
        let unwritten = WriteBacklog::default();
        let mut occupied = pin!(self.occupy(stream, front, end, unwritten.clone()));
        tokio::select! {
            biased;
            () = slot.closed() => {}
            () = &mut occupied => return,
        }
        // The end of the last answer may not be written yet, if its client reads slowly.
        let rest = poll_fn(|context| match occupied.as_mut().poll(context) {
            Poll::Pending if unwritten.is_there() => Poll::Pending,
            _ => Poll::Ready(()),
        });
        drop(tokio::time::timeout(LAST_BYTES, rest).await);
    }

    /// Says that connections are closed for others.
    pub(crate) fn tell_full(&self, most: usize) {
        self.gate.tell_full(most);
    }

    async fn occupy(self, stream: TcpStream, front: ConnectionService, end: Watcher, unwritten: WriteBacklog) {
        settle(&stream);
        let stream = FirstByteTimeout::new(stream, self.head, unwritten);
        #[cfg(feature = "tls")]
        if let Some(acceptor) = &self.acceptor {
            // Whoever does not speak TLS is told so by the handshake.
            if let Ok(Ok(stream)) = tokio::time::timeout(self.head, acceptor.0.accept(stream)).await {
                self.converse(stream, front, end).await;
            }
            return;
        }
        self.converse(stream, front, end).await;
    }

    async fn converse<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        stream: I,
        front: ConnectionService,
        end: Watcher,
    ) {
        let connection = self.builder.serve_connection(TokioIo::new(stream), front).into_owned();
        drop(CoalescedWakes::new(end.watch(connection)).await);
    }
}

fn builder(head: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .auto_date_header(false)
        .preserve_header_case(true)
        .title_case_headers(true)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER);
    builder.http2().timer(TokioTimer::new()).auto_date_header(false).max_send_buf_size(BUFFER);
    builder
}

/// Messages are small and somebody waits for them; and a client whose machine has gone is noticed, also if nothing is sent.
/// A socket that does not know these works all the same.
fn settle(stream: &TcpStream) {
    use rustix::net::sockopt;
    drop(stream.set_nodelay(true));
    let _unknown = sockopt::set_socket_keepalive(stream, true);
    let _unknown = sockopt::set_tcp_keepidle(stream, KEEP_ALIVE);
}

/// No more than what is buffered of an answer: a client that reads has it within that.
const LAST_BYTES: Duration = Duration::from_secs(5);

#[cfg(feature = "tls")]
impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}
