//! The ways in which the one server is served, and a run of the suite against each.

use std::time::{Duration, Instant};

use auditrail::Trail;
use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::fixture;
use crate::proxied::Proxied;
use crate::suite::{Scores, Suite};
use crate::support::Bench;
use crate::wire::{Audit, Wire};

/// What the suite can be asked to test for, of what rmcp speaks: with sessions, and without.
pub(crate) const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// A new one is one line in `ALL` and one in each `match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Plain,
    Wrapper,
    Tap,
    Both,
    Proxy,
}

impl Variant {
    /// The plain one first: the others are compared with it.
    pub(crate) const ALL: [Self; 5] = [Self::Plain, Self::Wrapper, Self::Tap, Self::Both, Self::Proxy];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wrapper => "wrapper",
            Self::Tap => "tap",
            Self::Both => "both",
            Self::Proxy => "proxy",
        }
    }

    /// Whether each request on the wire must have its pair of records; a wrapper sees only what reaches the handler.
    pub(crate) const fn sees_every_request(self) -> bool {
        match self {
            Self::Plain | Self::Wrapper => false,
            Self::Tap | Self::Both | Self::Proxy => true,
        }
    }

    fn router(self, trail: &Trail, ending: &CancellationToken) -> Router {
        let trail = trail.clone();
        match self {
            // The proxy stands before it.
            Self::Plain | Self::Proxy => fixture::router(|handler| handler, ending),
            Self::Wrapper => fixture::router(move |handler| trail.audited(handler), ending),
            Self::Tap => fixture::router(|handler| handler, ending).layer(trail.mcp_layer()),
            Self::Both => {
                let layer = trail.mcp_layer();
                fixture::router(move |handler| trail.audited(handler), ending).layer(layer)
            }
        }
    }

    /// The whole suite, against a server and a trail of its own.
    pub(crate) async fn run(self, suite: &Suite, revision: &'static str) -> Run {
        let (bench, wire, ending) = (Bench::new(), Wire::default(), CancellationToken::new());
        let (router, trail) = (wire.around(self.router(&bench.trail, &ending)), bench.trail.clone());
        let stop = ending.clone().cancelled_owned();
        let runtime = Runtime::new().unwrap();
        let serving = async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let proxy = match self {
                Self::Proxy => Some(Proxied::before(address, &trail).await),
                _ => None,
            };
            let server = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop).await });
            (address, proxy, server)
        };
        let (address, proxy, server) = runtime.spawn(serving).await.unwrap();
        let url = format!("http://{}/mcp", proxy.as_ref().map_or(address, |proxy| proxy.address));

        let begun = Instant::now();
        let scores = suite.run(&url, revision, self.name()).await;
        let took = begun.elapsed();

        // What the suite left open ends now, so that every exchange is counted and every call has its end.
        ending.cancel();
        tokio::time::timeout(Duration::from_secs(120), server).await.expect("the server ends").unwrap().unwrap();
        if let Some(proxy) = proxy {
            proxy.end().await;
        }
        // A server has ended before its last connections are dropped, and handlers may run on. With the runtime all are gone.
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
        let records = bench.records();
        let mut audit = Audit::of(&wire.requests(), &records);
        if self.sees_every_request() {
            audit.forgive_refused_streams(&records);
            audit.forgive_refused(&wire.refused());
        }
        // A tap stands behind the wire that counts; only the proxy stands before it.
        if self == Self::Proxy {
            audit.forgive_what_never_arrived(&records);
        }
        Run { variant: self, revision, scores, took, audit }
    }
}

/// What came of it.
pub(crate) struct Run {
    pub(crate) variant: Variant,
    pub(crate) revision: &'static str,
    pub(crate) scores: Scores,
    pub(crate) took: Duration,
    pub(crate) audit: Audit,
}
