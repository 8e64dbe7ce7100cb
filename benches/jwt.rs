//! What it costs the calling thread to find out who acts from a token: `Extractor::extract` with keys that are known.
//!
//! For each algorithm twice: a token that was verified before (a hash and a look), and tokens that are seen for the first time, with
//! parsing, signature, claims and the actor (what a call costs that brings a new token, or would cost without the cache). Each call
//! is timed on its own, the algorithms take turns, and the median counts. Target: less than 100 µs, also without the cache.
//!
//! `cargo bench --bench jwt` (half a minute); `-- --quick` only shows that it runs.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    unused_imports,
    reason = "a bench prints and stops at a surprise; tests use the rest of the helpers"
)]

#[path = "../tests/support/oauth/mod.rs"]
mod oauth;

use std::sync::Arc;
use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::identity::{Extractor, RequestFacts};
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::json;

use self::oauth::{SigningKey, Token};

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, tokens) = if is_quick { (1, 64) } else { (5, FRESH) };
    let keys = [SigningKey::rsa("rsa", 1), SigningKey::p256("p256"), SigningKey::ed25519("ed25519")];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    std::fs::write(&file, json!({ "keys": keys.iter().map(SigningKey::jwk).collect::<Vec<_>>() }).to_string()).unwrap();
    let issuer = JwtIssuer::with_jwks_file(ISSUER, &file).audience(AUDIENCE);
    let extractor = Arc::new(JwtExtractor::new([issuer]).unwrap());
    let trail = Trail::builder("bench")
        .directory(directory.path().join("state"))
        .environment(Environment::default())
        .connector(Null)
        .identify(extractor.clone())
        .start()
        .unwrap();

    let fresh: Vec<Vec<HeaderMap>> =
        keys.iter().map(|key| (0..tokens).map(|number| request(key, number)).collect()).collect();
    let mut times = vec![(Vec::new(), Vec::new()); keys.len()];
    for _ in 0..rounds {
        for (requests, (first, again)) in fresh.iter().zip(&mut times) {
            first.extend(requests.iter().map(|request| timed(&extractor, request)));
            // The last one is remembered.
            let known = requests.last().unwrap();
            again.extend((0..tokens).map(|_| timed(&extractor, known)));
        }
    }
    println!("             first time p50     p99      known p50     p99   (µs, {} calls each)", rounds * tokens);
    for (key, (first, again)) in keys.iter().zip(&mut times) {
        let [first, again] = [first, again].map(|times| {
            times.sort_unstable();
            [times[times.len() / 2], times[times.len() * 99 / 100]].map(|time| time.as_secs_f64() * 1e6)
        });
        println!(
            "{:>8}       {:>9.1} {:>9.1}      {:>9.2} {:>7.2}",
            key.algorithm(),
            first[0],
            first[1],
            again[0],
            again[1]
        );
    }
    drop(trail);
}

/// More than are remembered, so that each is forgotten before its next turn.
const FRESH: u64 = 4096;
const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://mcp.example.com/mcp";

/// As large as those of large issuers: about 1 kB.
fn request(key: &SigningKey, number: u64) -> HeaderMap {
    let token = Token::of(ISSUER, &format!("user-{number}"))
        .audience(AUDIENCE)
        .claim("jti", format!("7d1a4a2e-8d2b-4f0b-9f57-{number:012}"))
        .claim("name", "Alice Example")
        .claim("preferred_username", "alice@example.com")
        .claim("azp", "9f0c1c62-3a54-4d1e-8c6f-0d6ad1c1f3a1")
        .claim("scope", "openid profile mcp:tools:read mcp:tools:call")
        .claim("roles", json!(["operator", "auditor", "reader"]))
        .claim("tid", "72f988bf-86f1-41af-91ab-2d7cd011db47")
        .claim("act", json!({ "sub": "agent-7", "act": { "sub": "orchestrator" } }))
        .signed_by(key);
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
}

fn timed(extractor: &JwtExtractor, headers: &HeaderMap) -> Duration {
    let mut request = RequestFacts::default();
    request.method = "tools/call";
    request.headers = Some(headers);
    let since = Instant::now();
    let actor = extractor.extract(&request);
    let time = since.elapsed();
    assert!(actor.is_some_and(|actor| actor.verified), "an actor that is not verified would have flattered us");
    time
}

#[derive(Debug, Clone, Copy)]
struct Null;

impl Connector for Null {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(*self))
    }
}

impl Sink for Null {
    fn export(&self, _: Bytes) -> ExportFuture<'_> {
        Box::pin(async { Ok(Accepted::default()) })
    }
}
