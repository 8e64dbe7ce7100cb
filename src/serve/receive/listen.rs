//! A port: accepts connections, serves them, and stops in bounded time.
//!
//! # Invariants
//!
//! 1. Every connection is a task in its listener's set, so none outlives it.
//! 2. When told to stop, it accepts no new connection. Idle connections are closed; busy ones have the grace time and
//!    are then closed.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
};

/// The protocol of a port.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    /// gRPC: HTTP/2 with prior knowledge.
    Grpc,
    /// HTTP/1.1.
    Http,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "OTLP/gRPC",
            Self::Http => "OTLP/HTTP",
        }
    }
}

/// Serves `router` until `stopped` is true or its sender is dropped; the task ends at most `grace` later.
pub(crate) fn spawn(
    listener: TcpListener,
    protocol: Protocol,
    router: Router,
    mut stopped: watch::Receiver<bool>,
    grace: Duration,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        let graceful = GracefulShutdown::new();
        let server = server(protocol);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            tokio::select! {
                () = told(&mut stopped) => break,
                accepted = accept(&listener, &places, protocol) => {
                    let connection = ServedConnection { accepted, watcher: graceful.watcher() };
                    connections.spawn(connection.serve(server.clone(), router.clone()));
                }
                Some(ended) = connections.join_next() => log_panic(ended),
            }
        }
        drop(listener);
        if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
            tracing::warn!(?grace, protocol = protocol.name(), "the receiver cuts connections that are still busy");
        }
        connections.shutdown().await;
    })
}

/// Waits until it is told to stop, or the sender is dropped.
async fn told(stopped: &mut watch::Receiver<bool>) {
    while !*stopped.borrow_and_update() {
        if stopped.changed().await.is_err() {
            return;
        }
    }
}

struct AcceptedStream {
    place: OwnedSemaphorePermit,
    stream: TcpStream,
    peer: SocketAddr,
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>, protocol: Protocol) -> AcceptedStream {
    loop {
        match try_accept(listener, Arc::clone(places)).await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Most likely there are no file descriptors left: some must be released first.
                tracing::warn!(%error, protocol = protocol.name(), "the receiver cannot accept a connection");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

async fn try_accept(listener: &TcpListener, places: Arc<Semaphore>) -> io::Result<AcceptedStream> {
    let place = places.acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok(AcceptedStream { place, stream, peer })
}

fn server(protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .adaptive_window(true);
    match protocol {
        Protocol::Grpc => server.http2_only(),
        Protocol::Http => server.http1_only(),
    }
}

struct ServedConnection {
    accepted: AcceptedStream,
    watcher: Watcher,
}

impl ServedConnection {
    async fn serve(self, server: auto::Builder<TokioExecutor>, router: Router) {
        let AcceptedStream { place, stream, peer } = self.accepted;
        // Small answers must not wait for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "cannot switch off Nagle's algorithm");
        }
        let service = TowerToHyperService::new(router);
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, %peer, "a connection to the receiver ended with an error");
        }
        drop(place);
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection to the receiver ended in a panic: please report this");
    }
}

/// Below the usual descriptor limit of a process; more clients than this need a collector in front.
const MAX_CONNECTIONS: usize = 512;
/// Followers and exports on one connection.
const MAX_STREAMS: u32 = 128;
/// A client that connects and sends nothing loses its slot.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// A follower's machine that disappeared is noticed within the sum of both.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Long enough for others to close, short enough not to be noticed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);
