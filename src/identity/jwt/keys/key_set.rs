//! The keys of an issuer, from a JSON Web Key Set (RFC 7517).
//!
//! Invariant: a set with a secret in it is refused as a whole. A private key that is published can sign anybody's token, and an
//! `oct` key is a secret that whoever reads it can sign with, so nothing that such an issuer signs is proof of anything.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::key::Key;
use crate::identity::jwt::algorithm::Algorithm;

/// The keys of an issuer at one time.
#[derive(Debug, Default)]
pub(in crate::identity::jwt) struct KeySet(Vec<Arc<Key>>);

/// Why a document is no usable set of keys. It quotes nothing of the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::identity::jwt) enum KeySetError {
    #[error("it is a web page, not a JSON Web Key Set")]
    WebPage,
    #[error("it is not JSON")]
    NotJson,
    #[error("it has no array `keys`, as a JSON Web Key Set has")]
    NoKeys,
    #[error("it has {0} keys, and at most {MOST_KEYS} are read")]
    TooMany(usize),
    #[error("a key in it is not an object")]
    NotAKey,
    #[error("it has a private key, which anybody can sign tokens with; replace that key at the issuer")]
    Private,
    #[error(
        "it has a symmetric key (`oct`), which anybody can sign tokens with; let the issuer sign with a private key"
    )]
    Symmetric,
    #[error("none of its {count} keys can verify signatures{}", first(*reason))]
    NoneUsable {
        count: usize,
        /// What is wrong with the first.
        reason: Option<&'static str>,
    },
}

impl KeySet {
    /// Reads a document.
    pub(in crate::identity::jwt) fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        let value: Value = serde_json::from_slice(document).map_err(|_| match document.trim_ascii_start().first() {
            Some(b'<') => KeySetError::WebPage,
            _ => KeySetError::NotJson,
        })?;
        let entries = value.get("keys").and_then(Value::as_array).ok_or(KeySetError::NoKeys)?;
        if entries.len() > MOST_KEYS {
            return Err(KeySetError::TooMany(entries.len()));
        }
        let (mut keys, mut reason) = (Vec::new(), None);
        for entry in entries {
            let jwk = entry.as_object().ok_or(KeySetError::NotAKey)?;
            check_public(jwk)?;
            match Key::of_jwk(jwk) {
                Ok(key) => keys.push(Arc::new(key)),
                Err(unusable) => reason = reason.or(Some(unusable.0)),
            }
        }
        if keys.is_empty() { Err(KeySetError::NoneUsable { count: entries.len(), reason }) } else { Ok(Self(keys)) }
    }

    /// The keys with which a token may be signed that names that key and algorithm. Without a name on the token or on keys, those
    /// that fit; never many, because each costs a verification.
    pub(in crate::identity::jwt) fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        let fitting = || self.0.iter().filter(|key| key.fits(algorithm));
        let named: Vec<_> = match id {
            Some(id) => fitting().filter(|key| key.id() == Some(id)).take(MOST_TRIED).cloned().collect(),
            None => fitting().take(MOST_TRIED).cloned().collect(),
        };
        match id {
            Some(_) if named.is_empty() => {
                fitting().filter(|key| key.id().is_none()).take(MOST_TRIED).cloned().collect()
            }
            _ => named,
        }
    }

    /// Whether that key is in it.
    pub(in crate::identity::jwt) fn has(&self, fingerprint: &[u8; 32]) -> bool {
        self.0.iter().any(|key| key.fingerprint() == fingerprint)
    }
}

fn check_public(jwk: &Map<String, Value>) -> Result<(), KeySetError> {
    if jwk.get("kty").and_then(Value::as_str) == Some("oct") || jwk.contains_key("k") {
        return Err(KeySetError::Symmetric);
    }
    if PRIVATE.iter().any(|member| jwk.contains_key(*member)) { Err(KeySetError::Private) } else { Ok(()) }
}

fn first(reason: Option<&'static str>) -> String {
    reason.map(|reason| format!(": of the first, {reason}")).unwrap_or_default()
}

/// The private members of RSA, EC and OKP keys (RFC 7518, section 6).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];
/// Large issuers publish about twenty.
const MOST_KEYS: usize = 100;
/// An issuer without key ids has the current key and the next one.
const MOST_TRIED: usize = 4;
