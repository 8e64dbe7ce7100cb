//! Tokens, put together by hand.

use auditrail::record::{Clock as _, SystemClock};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use super::signing_key::SigningKey;

/// A token that is not signed yet.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    header: Value,
    claims: Value,
}

impl Token {
    /// A token of that issuer for somebody, good for an hour.
    pub(crate) fn of(issuer: &str, subject: &str) -> Self {
        let claims = json!({ "iss": issuer, "sub": subject, "iat": now(), "exp": now() + 3600 });
        Self { header: json!({ "typ": "at+jwt" }), claims }
    }

    pub(crate) fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Sets a claim; `null` removes it.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.claims, name, value.into());
        self
    }

    /// Sets a member of the header; `null` removes it.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    pub(crate) fn expired(self) -> Self {
        self.claim("exp", now() - 3600)
    }

    /// With the algorithm and name of the key in the header, unless they are set.
    pub(crate) fn signed_by(mut self, key: &SigningKey) -> String {
        self.default("alg", key.algorithm());
        if let Some(id) = key.id() {
            self.default("kid", id);
        }
        let signed = self.parts();
        format!("{signed}.{}", base64(&key.sign(signed.as_bytes())))
    }

    /// `alg: none`, without a signature.
    pub(crate) fn unsigned(self) -> String {
        format!("{}.", self.header("alg", "none").parts())
    }

    /// HS256 with that secret.
    pub(crate) fn hs256(self, secret: &[u8]) -> String {
        let signed = self.header("alg", "HS256").parts();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("{signed}.{}", base64(tag.as_ref()))
    }

    fn default(&mut self, name: &str, value: &str) {
        if self.header.get(name).is_none() {
            self.header[name] = value.into();
        }
    }

    fn parts(&self) -> String {
        format!("{}.{}", base64(self.header.to_string().as_bytes()), base64(self.claims.to_string().as_bytes()))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemClock.unix_nano() / 1_000_000_000
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn set(object: &mut Value, name: &str, value: Value) {
    let object = object.as_object_mut().unwrap();
    match value {
        Value::Null => drop(object.remove(name)),
        value => drop(object.insert(name.to_owned(), value)),
    }
}
