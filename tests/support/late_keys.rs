//! An extractor whose keys come when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use auditrail::identity::{Actor, Changed, Extractor, RequestFacts, UnverifiedReason};
use tokio::sync::watch;

/// Verifies whoever the header `x-user` names once it has its keys. `mallory` is never verified.
#[derive(Debug, Clone)]
pub(crate) struct LateKeys {
    has_keys: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicUsize>,
    change: watch::Sender<()>,
}

impl LateKeys {
    pub(crate) fn new() -> Self {
        Self { has_keys: Arc::default(), asked: Arc::default(), change: watch::channel(()).0 }
    }

    /// The keys are there.
    pub(crate) fn arrive(&self) {
        self.has_keys.store(true, Ordering::SeqCst);
        self.change.send_replace(());
    }

    /// Something else has changed.
    pub(crate) fn stir(&self) {
        self.change.send_replace(());
    }

    /// Completes once somebody waits for the keys.
    pub(crate) async fn wanted(&self) {
        while self.waiting() == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How many wait for the keys.
    pub(crate) fn waiting(&self) -> usize {
        self.change.receiver_count()
    }
}

impl Extractor for LateKeys {
    fn source(&self) -> &'static str {
        "late"
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let user = request.headers?.get("x-user")?.to_str().ok()?;
        let mut actor = match (user, self.has_keys.load(Ordering::SeqCst)) {
            ("mallory", _) => Actor::unknown(UnverifiedReason::Expired),
            (user, true) => Actor::verified(user),
            (_, false) => Actor::unknown(UnverifiedReason::KeyUnavailable),
        };
        if !actor.verified {
            actor.claimed.actor_id = Some(user.to_owned());
        }
        Some(actor)
    }

    fn changed(&self) -> Option<Changed> {
        let mut changed = self.change.subscribe();
        Some(Box::pin(async move { drop(changed.changed().await) }))
    }
}
