//! Liveness and readiness, for supervisors and load balancers. They have a port of their own, because every path of the
//! proxy's port belongs to the server.
//!
//! `/livez` answers 200 while the process runs. `/readyz` answers 200 while the proxy accepts connections and the journal
//! accepts records, and 503 with the reason otherwise.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auditrail::Trail;
use auditrail::internals::TrailInside as _;
use http::{Method, Request, StatusCode};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::accept::accept;
use crate::proxy::http::answer::{ProxyAnswer, plain};
use crate::proxy::http::capacity::Connections;

#[derive(Debug, Clone)]
pub(crate) struct Health {
    trail: Trail,
    is_draining: Arc<AtomicBool>,
}

impl Health {
    pub(crate) fn new(trail: &Trail) -> Self {
        Self { trail: trail.clone(), is_draining: Arc::default() }
    }

    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let (mut connections, room) = (JoinSet::new(), Connections::new(MOST));
        loop {
            let (stream, _) = accept(&listener).await;
            let slot = room.acquire().await;
            while connections.try_join_next().is_some() {}
            let health = self.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let answer = health.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut builder = http1::Builder::new();
                builder.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
                tokio::select! {
                    biased;
                    () = slot.closed() => {}
                    _ = builder.serve_connection(TokioIo::new(stream), service) => {}
                }
            });
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> ProxyAnswer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "ask by GET");
        }
        match request.uri().path() {
            "/livez" => plain(StatusCode::OK, "it runs"),
            "/readyz" if self.is_draining.load(Ordering::Acquire) => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "the proxy is shutting down and accepts no new connections")
            }
            "/readyz" => match self.trail.core().takes_records() {
                Ok(()) => plain(StatusCode::OK, "it is ready"),
                Err(error) => {
                    plain(StatusCode::SERVICE_UNAVAILABLE, &format!("the journal accepts no records: {error}"))
                }
            },
            _ => plain(StatusCode::NOT_FOUND, "there are /livez and /readyz"),
        }
    }
}

/// Probes send their request immediately.
const HEAD: Duration = Duration::from_secs(10);
/// Enough for several probes at a time, with few descriptors; the oldest is closed for a new one.
const MOST: usize = 16;
