//! The ways in which the one server is served, and a run of the suite against each.

use std::time::{Duration, Instant};

use auditrail::Trail;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::fixture;
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
}

impl Variant {
    /// The plain one first: the others are compared with it.
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Wrapper, Self::Tap, Self::Both];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wrapper => "wrapper",
            Self::Tap => "tap",
            Self::Both => "both",
        }
    }

    /// Whether each request on the wire must have its pair of records; a wrapper sees only what reaches the handler.
    pub(crate) const fn sees_every_request(self) -> bool {
        match self {
            Self::Plain | Self::Wrapper => false,
            Self::Tap | Self::Both => true,
        }
    }

    fn router(self, trail: &Trail, ending: &CancellationToken) -> Router {
        let trail = trail.clone();
        match self {
            Self::Plain => fixture::router(|handler| handler, ending),
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = wire.around(self.router(&bench.trail, &ending));
        let stop = ending.clone().cancelled_owned();
        let server = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop).await });

        let begun = Instant::now();
        let scores = suite.run(&url, revision, self.name()).await;
        let took = begun.elapsed();

        // What the suite left open ends now, so that every exchange is counted and every call has its end.
        ending.cancel();
        tokio::time::timeout(Duration::from_secs(20), server).await.expect("the server ends").unwrap().unwrap();
        let audit = Audit::of(&wire.requests(), &bench.records());
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
