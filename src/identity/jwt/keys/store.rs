//! What is known of an issuer's keys. Calls read it, the keeper writes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::key::Key;
use super::key_set::KeySet;
use super::source::Loaded;
use crate::identity::extractor::Changed;
use crate::identity::jwt::algorithm::Algorithm;
use crate::locks::{Mutex, RwLock};

/// The keys of one issuer.
#[derive(Debug)]
pub(in crate::identity::jwt) struct KeyStore {
    /// `None` before the first load, and when no load succeeded for too long.
    keys: RwLock<Option<Arc<KeySet>>>,
    asked: Mutex<Asked>,
    wanted: Notify,
    cool_down: Duration,
    /// Counts results.
    results: watch::Sender<u64>,
}

/// How often, and how long, keys are loaded.
#[derive(Debug, Clone, Copy)]
pub(in crate::identity::jwt) struct Timing {
    /// Between loads that a call asks for.
    pub(in crate::identity::jwt) cool_down: Duration,
    /// Between loads, unless the server says otherwise.
    pub(in crate::identity::jwt) refresh: Duration,
    /// How long keys are used that could not be confirmed.
    pub(in crate::identity::jwt) stale: Duration,
}

#[derive(Debug, Default)]
struct Asked {
    /// A load that a call has asked for is not over.
    is_pending: bool,
    has_failed: bool,
    /// The end of the last load.
    last: Option<Instant>,
}

/// What the store has for a token.
#[derive(Debug)]
pub(in crate::identity::jwt) enum Found {
    /// Keys that may fit.
    Keys(Vec<Arc<Key>>),
    /// The issuer has no such key.
    Unknown,
    /// It is not known at the moment which keys the issuer has.
    Unavailable,
}

impl KeyStore {
    pub(in crate::identity::jwt) fn new(cool_down: Duration) -> Self {
        let results = watch::Sender::new(0);
        Self { keys: RwLock::default(), asked: Mutex::default(), wanted: Notify::new(), cool_down, results }
    }

    /// The keys for a token with that key id. If there is none, the keeper is asked to look, and until it has, the answer is
    /// [`Unavailable`](Found::Unavailable).
    pub(in crate::identity::jwt) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found {
        let keys = self.keys.read().clone();
        let Some(keys) = keys else {
            self.want();
            return Found::Unavailable;
        };
        let candidates = keys.candidates(id, algorithm);
        match candidates.is_empty() {
            false => Found::Keys(candidates),
            true if self.want() => Found::Unavailable,
            true => Found::Unknown,
        }
    }

    /// Whether that key is still one of the issuer's.
    pub(in crate::identity::jwt) fn has(&self, fingerprint: &[u8; 32]) -> bool {
        self.keys.read().as_ref().is_some_and(|keys| keys.has(fingerprint))
    }

    /// Asks for a load, unless the last one is too young. Returns whether the result of a load can still change the answer.
    pub(in crate::identity::jwt) fn want(&self) -> bool {
        let mut asked = self.asked.lock();
        if asked.is_pending {
            return true;
        }
        if asked.last.is_some_and(|last| last.elapsed() < self.cool_down) {
            return asked.has_failed;
        }
        asked.is_pending = true;
        drop(asked);
        self.wanted.notify_one();
        true
    }

    /// Completes at the next result of a load.
    pub(in crate::identity::jwt) fn changed(&self) -> Changed {
        let mut results = self.results.subscribe();
        // An error means that there will be no result.
        Box::pin(async move { drop(results.changed().await) })
    }

    /// Completes when a call asks for a load. What was asked before the last result is answered by it.
    pub(super) async fn wanted(&self) {
        loop {
            self.wanted.notified().await;
            if self.asked.lock().is_pending {
                return;
            }
        }
    }

    /// The result of a load.
    pub(in crate::identity::jwt) fn take(&self, loaded: Loaded) {
        if let Loaded::Keys(keys, _) = loaded {
            *self.keys.write() = Some(Arc::new(keys));
        }
        self.settle(false);
    }

    /// No result; the last keys stay.
    pub(super) fn fail(&self) {
        self.settle(true);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.read().is_none()
    }

    /// Returns whether there were any.
    pub(super) fn drop_keys(&self) -> bool {
        self.keys.write().take().is_some()
    }

    fn settle(&self, has_failed: bool) {
        *self.asked.lock() = Asked { is_pending: false, has_failed, last: Some(Instant::now()) };
        self.results.send_modify(|count| *count += 1);
    }
}
