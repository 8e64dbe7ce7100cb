//! Remembers tokens that were verified, by their SHA-256, so that the next call with one costs a hash and a look.
//!
//! Invariants:
//! 1. Only verified tokens are in it, so nobody without a right token can fill it.
//! 2. An entry is used neither after the token has expired nor after its key has left the keys of the issuer.
//! 3. It has at most [`MOST`] entries: when half of them are new, the older half goes.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::verifier::Verified;
use crate::identity::actor::Actor;
use crate::locks::Mutex;

/// SHA-256 of a token. The token itself is kept nowhere.
pub(super) type TokenHash = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct TokenCache(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<TokenHash, Entry>,
    old: HashMap<TokenHash, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    actor: std::sync::Arc<Actor>,
    verified: Verified,
}

pub(super) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

impl TokenCache {
    /// The actor of a token, if it is still verified.
    pub(super) fn get(&self, token: &TokenHash, now: f64) -> Option<Actor> {
        let actor = {
            let mut halves = self.0.lock();
            let entry = halves.find(token)?;
            if now >= entry.verified.until || !entry.verified.store.has(&entry.verified.key) {
                halves.remove(token);
                return None;
            }
            entry.actor
        };
        // Outside the lock: its texts are copied.
        Some((*actor).clone())
    }

    pub(super) fn insert(&self, token: TokenHash, actor: Actor, verified: Verified) {
        self.0.lock().insert(token, Entry { actor: actor.into(), verified });
    }
}

impl Halves {
    fn find(&mut self, token: &TokenHash) -> Option<Entry> {
        if let Some(entry) = self.young.get(token) {
            return Some(entry.clone());
        }
        // What is used does not get old.
        let entry = self.old.remove(token)?;
        self.insert(*token, entry.clone());
        Some(entry)
    }

    fn insert(&mut self, token: TokenHash, entry: Entry) {
        if self.young.len() >= MOST / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }

    fn remove(&mut self, token: &TokenHash) {
        self.young.remove(token);
        self.old.remove(token);
    }
}

/// Each holds at most what a token of 8 KiB says.
const MOST: usize = 2048;
