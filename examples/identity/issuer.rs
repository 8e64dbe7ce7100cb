//! An OAuth issuer of our own, on loopback: metadata, keys, and tokens for whoever the example wants.

use std::net::SocketAddr;

use auditrail::record::{Clock as _, SystemClock};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// Whom its tokens are for: the MCP server.
pub(crate) const AUDIENCE: &str = "https://weather.example.com/mcp";

pub(crate) struct Issuer {
    address: SocketAddr,
    key: Ed25519KeyPair,
}

impl Issuer {
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| "no random numbers")?;
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| "no key")?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let public = URL_SAFE_NO_PAD.encode(key.public_key());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY, "x": public }] });
        let metadata = json!({ "issuer": url(address), "jwks_uri": format!("{}/keys", url(address)) });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(|| async { Json(metadata) }))
            .route("/keys", get(|| async { Json(keys) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, key })
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }

    /// A token for a person, good for that many seconds.
    pub(crate) fn token(&self, person: &str, lifetime: i64, more: Value) -> String {
        let now = i64::try_from(SystemClock.unix_nano() / 1_000_000_000).unwrap_or_default();
        let mut claims = json!({
            "iss": self.url(), "aud": AUDIENCE, "sub": person, "client_id": "weather-app", "scope": "weather.read",
            "jti": format!("{person}-{now}"), "iat": now - 3600, "exp": now + lifetime,
        });
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            claims.extend(more);
        }
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": KEY });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

const KEY: &str = "example-key";
