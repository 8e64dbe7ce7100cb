//! What an extractor gets when its trail starts.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::config::Notices;
use crate::hex::hex;
use crate::record::Clock;

/// What the trail gives its extractors when it starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExtractorStart {
    /// Where problems are reported, such as keys that cannot be fetched.
    pub notices: Notices,
    /// The clock of the trail.
    pub clock: Arc<dyn Clock>,
    /// Digests of what may be recognized and not read, such as the ids of tokens.
    pub digests: IdDigests,
}

impl ExtractorStart {
    /// Called by the trail.
    pub(crate) fn new(notices: Notices, clock: Arc<dyn Clock>, digests: IdDigests) -> Self {
        Self { notices, clock, digests }
    }
}

/// Keyed digests of ids of tokens, with the key beside the journal: those of [`Trail::digest`](crate::Trail::digest), so that
/// what your code records of a token can be matched with the calls that it came with.
#[derive(Clone)]
pub struct IdDigests {
    key: Hmac<Sha256>,
    key_id: String,
}

impl IdDigests {
    pub(crate) fn new(key: Hmac<Sha256>, key_id: String) -> Self {
        Self { key, key_id }
    }

    /// The id of the key, a colon, and HMAC-SHA256 of the id.
    #[must_use]
    pub fn of(&self, id: &str) -> String {
        let mac = self.key.clone().chain_update(id.as_bytes());
        format!("{}:{}", self.key_id, hex(&mac.finalize().into_bytes()))
    }
}

/// Without the key.
impl fmt::Debug for IdDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdDigests").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
