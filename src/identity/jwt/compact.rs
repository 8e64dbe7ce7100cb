//! A token as it is presented: three parts in base64url (RFC 7515, section 7.1), of which nothing is believed yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A token that could be read.
#[derive(Debug)]
pub(super) struct CompactToken<'a> {
    header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// What is signed: header and claims as they were sent.
    pub(super) signed: &'a [u8],
    pub(super) signature: Vec<u8>,
}

impl<'a> CompactToken<'a> {
    /// `None` if it is not a token in that form: it is too long, encrypted, unreadable, or asks for something that must be
    /// understood and is not (`crit`).
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MOST_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let header = object(header)?;
        if header.contains_key("crit") {
            return None;
        }
        Some(Self {
            header,
            claims: object(claims)?,
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The name of its algorithm.
    pub(super) fn algorithm(&self) -> Option<&str> {
        self.header_text("alg")
    }

    /// The name of its key.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header_text("kid")
    }

    /// Its type, in lower case, without the `application/` that may be left out (RFC 7515, section 4.1.9).
    pub(super) fn kind(&self) -> Option<String> {
        let kind = self.header_text("typ")?.to_ascii_lowercase();
        Some(kind.strip_prefix("application/").map_or(kind.clone(), ToOwned::to_owned))
    }

    fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Servers accept heads of 8 KiB as a rule.
pub(super) const MOST_BYTES: usize = 8 << 10;
