//! Starts, runs and shuts down the proxy.
//!
//! The order of a shutdown: `/readyz` answers 503, the listener closes, connections finish their exchanges, and after the
//! drain time the rest is cut off and recorded. The owner of the trail flushes it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use auditrail::Trail;
use auditrail::internals::TrailInside as _;
use auditrail::internals::mcp::HoldReasons;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::accept::{accept, listen};
use super::connection::ConnectionServer;
use super::health::Health;
use super::router::Router;
use crate::proxy::http::body::{AllDrained, tracked};
use crate::proxy::http::capacity::Connections;
use crate::proxy::http::error::HttpProxyError;
use crate::proxy::http::relay::{AuditSettings, BodyHold, Relay, RequestRewrite};
use crate::proxy::http::settings::{HttpSettings, ProxyMode};
#[cfg(feature = "tls")]
use crate::proxy::http::tls::Acceptor;
use crate::proxy::http::upstream::Pool;
use crate::proxy::unjoined::Unjoined;

/// Serves until `shutdown` completes, and then until all exchanges are finished, or the drain time is over.
///
/// # Errors
/// If the proxy cannot start.
pub async fn serve(
    settings: HttpSettings,
    trail: &Trail,
    shutdown: impl Future<Output = ()>,
) -> Result<(), HttpProxyError> {
    HttpProxy::bind(settings, trail).await?.run(shutdown).await;
    Ok(())
}

/// A proxy that is listening; [`run`](Self::run) serves.
#[derive(Debug)]
pub struct HttpProxy {
    listener: TcpListener,
    address: SocketAddr,
    server: ConnectionServer,
    connections: Connections,
    health: Health,
    health_listener: Option<TcpListener>,
    drain: Duration,
    all_drained: AllDrained,
}

impl HttpProxy {
    /// Checks the settings and starts to listen.
    ///
    /// # Errors
    /// If a setting cannot be used, or an address is taken.
    pub async fn bind(settings: HttpSettings, trail: &Trail) -> Result<Self, HttpProxyError> {
        settings.check()?;
        #[cfg(feature = "tls")]
        let acceptor = match &settings.tls {
            Some(files) => Some(Acceptor::new(files, settings.client_certificates.as_ref(), trail)?),
            None => None,
        };
        let (pool, connections) = (Pool::new(&settings)?, settings.connections.clone());
        let (listener, address) = listen(settings.listen).await?;
        let health_listener = match settings.health {
            Some(address) => Some(listen(address).await?.0),
            None => None,
        };
        let why = HoldReasons { refuses: trail.core().holds_calls_from_now_on(), joins: settings.inject_trace };
        let unjoined = Unjoined::new(trail.core());
        let hold = (why.refuses || why.joins).then_some(BodyHold {
            why,
            bound: settings.max_held,
            of_all: trail.core().bounds().held_bytes,
            unjoined,
        });
        let audit = AuditSettings { trail: trail.clone(), hold, recording: settings.record.clone() };
        let (token, all_drained) = tracked();
        let relay = Relay::new(pool, RequestRewrite::new(&settings), audit, settings.max_held, token);
        let router = match settings.mode {
            ProxyMode::Reverse(_) => Router::reverse(relay, settings.hops),
            ProxyMode::Forward => Router::forward(relay, settings.hops, address),
        };
        Ok(Self {
            listener,
            address,
            connections,
            server: ConnectionServer::new(
                router,
                settings.head_timeout,
                #[cfg(feature = "tls")]
                acceptor,
            ),
            health: Health::new(trail),
            health_listener,
            drain: settings.drain,
            all_drained,
        })
    }

    /// The address of the proxy.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of `/livez` and `/readyz`, if the settings have one.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health_listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves as the function [`serve`] does.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, server, connections: capacity, health, health_listener, drain, all_drained, .. } = self;
        let (graceful, mut connections, mut probes) = (GracefulShutdown::new(), JoinSet::new(), JoinSet::new());
        if let Some(listener) = health_listener {
            probes.spawn(health.clone().serve(listener));
        }
        let mut shutdown = std::pin::pin!(shutdown);
        let mut accepted = None;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                slot = capacity.acquire(), if accepted.is_some() => {
                    if slot.has_evicted {
                        server.tell_full(capacity.most());
                    }
                    if let Some((stream, peer)) = accepted.take() {
                        connections.spawn(server.clone().serve(stream, peer, slot, graceful.watcher()));
                    }
                }
                arrived = accept(&listener), if accepted.is_none() => accepted = Some(arrived),
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        health.drain();
        drop(listener);
        drop(tokio::time::timeout(drain, graceful.shutdown()).await);
        connections.shutdown().await;
        drop(server);
        all_drained.wait().await;
    }
}
