//! Whatever is presented: nothing panics, and nobody is verified but by an unchanged token.

use std::sync::OnceLock;

use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::identity::{Actor, Extractor, RequestFacts};
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use proptest::prelude::*;
use serde_json::json;

use crate::oauth::{SigningKey, Token};

const ISSUER: &str = "https://login.example";

struct Known {
    extractor: std::sync::Arc<JwtExtractor>,
    tokens: Vec<String>,
}

/// An extractor that knows its keys, and a right token of each.
fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let keys = [SigningKey::rsa("rsa", 1), SigningKey::p256("p256"), SigningKey::ed25519("ed25519")];
        let directory = tempfile::tempdir().unwrap().keep();
        let file = directory.join("keys.json");
        let jwks = json!({ "keys": keys.iter().map(SigningKey::jwk).collect::<Vec<_>>() });
        std::fs::write(&file, jwks.to_string()).unwrap();
        let issuer = JwtIssuer::with_jwks_file(ISSUER, &file).audience("mcp");
        let extractor = std::sync::Arc::new(JwtExtractor::new([issuer]).unwrap());
        let trail = auditrail::Trail::builder("chance")
            .environment(auditrail::config::Environment::default())
            .directory(directory.join("state"))
            .connector(Null)
            .identify(extractor.clone())
            .on_notice(|_| ())
            .start()
            .unwrap();
        std::mem::forget(trail);
        let tokens = keys.iter().map(|key| Token::of(ISSUER, "alice").audience("mcp").signed_by(key)).collect();
        Known { extractor, tokens }
    })
}

fn presented(value: &[u8]) -> Option<Actor> {
    let value = [b"Bearer ".as_slice(), value].concat();
    let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, value.try_into().ok()?)]);
    let mut request = RequestFacts::default();
    request.headers = Some(&headers);
    known().extractor.extract(&request)
}

proptest! {
    #[test]
    fn anything_is_answered_and_verifies_nobody(value in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(actor) = presented(&value) {
            prop_assert!(!actor.verified && actor.unverified.is_some());
        }
    }

    #[test]
    fn anything_of_three_parts_is_answered(header in "\\PC{0,80}", claims in "\\PC{0,80}", signature in "[A-Za-z0-9_-]{0,90}") {
        let base64 = |text: &str| crate::oauth::base64(text.as_bytes());
        let token = format!("{}.{}.{signature}", base64(&header), base64(&claims));
        let actor = presented(token.as_bytes()).unwrap();
        prop_assert!(!actor.verified && actor.unverified.is_some());
    }

    /// No two tokens are the same to us and different to others: also the last bits of base64 count.
    #[test]
    fn a_token_with_one_other_character_verifies_nobody(number in 0_usize..3, at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.=-]") {
        let good = &known().tokens[number];
        prop_assert!(presented(good.as_bytes()).unwrap().verified);
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(at..=at, &other);
        if changed != *good {
            let actor = presented(changed.as_bytes()).unwrap();
            prop_assert!(!actor.verified && actor.unverified.is_some(), "{changed}");
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Null;

impl Connector for Null {
    fn connect(&self, _: &auditrail::config::OtlpSettings) -> Result<std::sync::Arc<dyn Sink>, String> {
        Ok(std::sync::Arc::new(*self))
    }
}

impl Sink for Null {
    fn export(&self, _: bytes::Bytes) -> ExportFuture<'_> {
        Box::pin(async { Ok(Accepted::default()) })
    }
}
