//! Serves one connection of a client.

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
#[cfg(feature = "tls")]
use crate::proxy::http::tls::Acceptor;

/// Serves the connections of one listener.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionServer {
    builder: Builder<TokioExecutor>,
    router: Arc<Router>,
    head: Duration,
    #[cfg(feature = "tls")]
    acceptor: Option<Acceptor>,
}

impl ConnectionServer {
    /// `head` is the timeout for heads of requests, and for everything before the first one.
    pub(crate) fn new(router: Router, head: Duration, #[cfg(feature = "tls")] acceptor: Option<Acceptor>) -> Self {
        Self {
            builder: builder(head),
            router: Arc::new(router),
            head,
            #[cfg(feature = "tls")]
            acceptor,
        }
    }

    /// Serves until one end closes the connection, or its slot goes to another connection. Errors of the connection concern
    /// only its two ends.
    pub(crate) async fn serve(self, stream: TcpStream, peer: SocketAddr, slot: ClientSlot, end: Watcher) {
        let service = self.router.service(peer, stream.local_addr().ok(), slot.client());
        let backlog = WriteBacklog::default();
        let mut occupied = pin!(self.occupy(stream, service, end, backlog.clone()));
        tokio::select! {
            biased;
            () = slot.closed() => {}
            () = &mut occupied => return,
        }
        // A slow client may not have the end of its last answer yet.
        let rest = poll_fn(|context| match occupied.as_mut().poll(context) {
            Poll::Pending if backlog.is_there() => Poll::Pending,
            _ => Poll::Ready(()),
        });
        drop(tokio::time::timeout(LAST_BYTES, rest).await);
    }

    /// Warns that connections are closed for new ones.
    pub(crate) fn tell_full(&self, most: usize) {
        self.router.tell_full(most);
    }

    async fn occupy(self, stream: TcpStream, service: ConnectionService, end: Watcher, backlog: WriteBacklog) {
        settle(&stream);
        let stream = FirstByteTimeout::new(stream, self.head, backlog);
        #[cfg(feature = "tls")]
        if let Some(acceptor) = &self.acceptor {
            // A client that does not speak TLS learns it from the handshake.
            let handshake = acceptor.accept(stream, service.peer());
            if let Ok(Some((stream, certificate))) = tokio::time::timeout(self.head, handshake).await {
                self.converse(stream, service.shown(certificate), end).await;
            }
            return;
        }
        self.converse(stream, service, end).await;
    }

    async fn converse<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        stream: I,
        service: ConnectionService,
        end: Watcher,
    ) {
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).into_owned();
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

/// Messages are small and clients wait for them, so none is delayed; keep-alive detects a client whose machine is gone. A socket
/// without these options works as well.
fn settle(stream: &TcpStream) {
    use rustix::net::sockopt;
    drop(stream.set_nodelay(true));
    let _unknown = sockopt::set_socket_keepalive(stream, true);
    let _unknown = sockopt::set_tcp_keepidle(stream, KEEP_ALIVE);
}

/// Enough for a client that reads to get what is buffered of its answer.
const LAST_BYTES: Duration = Duration::from_secs(5);
