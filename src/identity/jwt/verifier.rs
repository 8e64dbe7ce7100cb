//! Verifies a token.
//!
//! The order decides what a record may say: nothing of a token counts before its signature, and nothing is refused for what it
//! says before that is proven to be the issuer's, except where no key of the issuer could have signed it.

use std::sync::Arc;

use serde_json::Value;

use super::algorithm::Algorithm;
use super::claims::Claims;
use super::compact::CompactToken;
use super::issuer::JwtIssuer;
use super::keys::{Found, Key, KeyStore};
use super::read_actor::{ActorReader, Signature};
use crate::identity::actor::{Actor, UnverifiedReason};
use crate::identity::start::IdDigests;

/// An issuer with its keys.
#[derive(Debug)]
pub(super) struct KnownIssuer {
    pub(super) settings: JwtIssuer,
    pub(super) store: Arc<KeyStore>,
}

/// What a token is.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) actor: Actor,
    /// Where it is verified.
    pub(super) verified: Option<Verified>,
}

/// Until when, and by which key, a token is verified.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    /// Seconds since 1970.
    pub(super) until: f64,
    pub(super) store: Arc<KeyStore>,
    pub(super) key: [u8; 32],
}

/// Why a token is not verified.
pub(super) type Failure = (UnverifiedReason, Signature);

/// Verifies a token at that time, in seconds since 1970.
pub(super) fn examine(issuers: &[KnownIssuer], digests: Option<&IdDigests>, token: &str, now: f64) -> Examined {
    let Some(token) = CompactToken::parse(token) else {
        return Examined { actor: nobody(UnverifiedReason::Malformed), verified: None };
    };
    let named = Claims(&token.claims).text("iss");
    let issuer = named.and_then(|named| issuers.iter().find(|issuer| issuer.settings.name() == named));
    let result = match issuer {
        Some(issuer) => issuer.check(&token, now),
        None if named.is_none() => Err((UnverifiedReason::MissingClaim, Signature::Wrong)),
        None => Err((UnverifiedReason::Issuer, Signature::Wrong)),
    };
    let default = super::claim_names::ClaimNames::default();
    let names = issuer.map_or(&default, |issuer| issuer.settings.claim_names());
    let reader = ActorReader { names, digests };
    match result {
        Ok(verified) => {
            Examined { actor: reader.actor(&token.claims, Signature::Right, None), verified: Some(verified) }
        }
        Err((reason, signature)) => {
            Examined { actor: reader.actor(&token.claims, signature, Some(reason)), verified: None }
        }
    }
}

/// Somebody who presents what cannot be read.
pub(super) fn nobody(reason: UnverifiedReason) -> Actor {
    Actor { auth_type: Some("oauth2".into()), ..Actor::unknown(reason) }
}

impl KnownIssuer {
    /// Until when, and by which key, a token is verified.
    pub(super) fn check(&self, token: &CompactToken<'_>, now: f64) -> Result<Verified, Failure> {
        let key = self.signer(token)?;
        let until = self.check_claims(token, now).map_err(|reason| match reason {
            UnverifiedReason::Malformed => (reason, Signature::Wrong),
            reason => (reason, Signature::Right),
        })?;
        Ok(Verified { until, store: self.store.clone(), key: *key.fingerprint() })
    }

    fn signer(&self, token: &CompactToken<'_>) -> Result<Arc<Key>, Failure> {
        let algorithm = token.algorithm().and_then(Algorithm::from_name);
        let algorithm = algorithm.filter(|algorithm| self.settings.accepts_algorithm(*algorithm));
        let algorithm = algorithm.ok_or((UnverifiedReason::Algorithm, Signature::Wrong))?;
        let keys = match self.store.find(token.key_id(), algorithm) {
            Found::Keys(keys) => keys,
            Found::Unknown => return Err((UnverifiedReason::KeyUnknown, Signature::Unchecked)),
            Found::Unavailable => return Err((UnverifiedReason::KeyUnavailable, Signature::Unchecked)),
        };
        let signer = keys.into_iter().find(|key| key.verifies(algorithm, token.signed, &token.signature));
        signer.ok_or_else(|| {
            // The issuer may have exchanged a key under its old name. Whether it has is found out for later tokens: this one
            // cannot be taken for its subject's.
            self.store.want();
            (UnverifiedReason::Signature, Signature::Wrong)
        })
    }

    /// Until when the token may be used.
    fn check_claims(&self, token: &CompactToken<'_>, now: f64) -> Result<f64, UnverifiedReason> {
        let claims = Claims(&token.claims);
        if !self.settings.accepts_type(token.kind().as_deref()) {
            return Err(UnverifiedReason::TokenType);
        }
        let (Ok(expires), Ok(begins)) = (claims.time("exp"), claims.time("nbf")) else {
            return Err(UnverifiedReason::Malformed);
        };
        let until = expires.ok_or(UnverifiedReason::MissingClaim)? + self.settings.leeway_secs();
        if now >= until {
            return Err(UnverifiedReason::Expired);
        }
        if begins.is_some_and(|begins| now < begins - self.settings.leeway_secs()) {
            return Err(UnverifiedReason::NotYetValid);
        }
        match claims.get("aud") {
            None | Some(Value::Null) => return Err(UnverifiedReason::MissingClaim),
            Some(_) if !self.settings.accepts_audience(&claims.list("aud")) => return Err(UnverifiedReason::Audience),
            Some(_) => {}
        }
        match claims.text(&self.settings.claim_names().id) {
            Some(_) => Ok(until),
            None => Err(UnverifiedReason::MissingClaim),
        }
    }
}
