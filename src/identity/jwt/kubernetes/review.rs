//! Asks the API server about tokens, and remembers what it said.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Uri;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::account;
use crate::config::{Notices, regular};
use crate::identity::actor::Actor;
use crate::identity::extractor::Changed;
use crate::identity::jwt::cache::TokenHash;
use crate::identity::jwt::keys::{Client, LoadError, bearer};
use crate::identity::start::IdDigests;
use crate::locks::Mutex;

/// What is known of tokens. Calls read it, the thread `auditrail-keys` writes it.
#[derive(Debug)]
pub(super) struct Reviews {
    known: Mutex<Known>,
    queue: mpsc::Sender<Waiting>,
    results: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    young: HashMap<TokenHash, Answer>,
    old: HashMap<TokenHash, Answer>,
    waiting: HashSet<TokenHash>,
    /// The API server does not answer; until then it is left alone.
    paused_until: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Answer {
    /// `None` if the API server does not accept the token.
    actor: Option<Arc<Actor>>,
    /// Seconds since 1970.
    until: f64,
}

/// A token whose review waits. Never shown.
pub(super) struct Waiting {
    hash: TokenHash,
    token: String,
    /// When it expires.
    until: f64,
}

/// What is known of a token.
#[derive(Debug)]
pub(super) enum Review {
    Accepted(Arc<Actor>),
    Rejected,
    Unknown,
}

/// Does the reviews.
#[derive(Debug)]
pub(super) struct Reviewer {
    pub(super) address: Uri,
    pub(super) audience: String,
    pub(super) token_file: PathBuf,
    pub(super) ca: Option<PathBuf>,
    pub(super) timeout: Duration,
    pub(super) digests: IdDigests,
    pub(super) notices: Notices,
}

impl Reviews {
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<Waiting>) {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        (Arc::new(Self { known: Mutex::default(), queue, results: watch::Sender::new(0) }), waiting)
    }

    /// What is known of a token at that time. If it is nothing, it is going to be reviewed.
    pub(super) fn of(&self, hash: TokenHash, token: &str, until: f64, now: f64) -> Review {
        let mut known = self.known.lock();
        if let Some(answer) = known.find(&hash, now) {
            return match &answer.actor {
                Some(actor) => Review::Accepted(actor.clone()),
                None => Review::Rejected,
            };
        }
        let is_paused = known.paused_until.is_some_and(|until| Instant::now() < until);
        if !is_paused && !known.waiting.contains(&hash) {
            let waiting = Waiting { hash, token: token.to_owned(), until };
            // If too many wait, the next call with it tries again.
            if self.queue.try_send(waiting).is_ok() {
                known.waiting.insert(hash);
            }
        }
        Review::Unknown
    }

    pub(super) fn changed(&self) -> Changed {
        let mut results = self.results.subscribe();
        Box::pin(async move { drop(results.changed().await) })
    }

    fn settle(&self, hash: TokenHash, answer: Option<Answer>) {
        {
            let mut known = self.known.lock();
            known.waiting.remove(&hash);
            match answer {
                Some(answer) => known.insert(hash, answer),
                None => known.paused_until = Some(Instant::now() + PAUSE),
            }
        }
        self.stir();
    }

    /// Whoever waits looks again.
    fn stir(&self) {
        self.results.send_modify(|count| *count += 1);
    }
}

impl Known {
    fn find(&mut self, hash: &TokenHash, now: f64) -> Option<Answer> {
        let answer = self.young.get(hash).or_else(|| self.old.get(hash)).cloned()?;
        if now < answer.until {
            return Some(answer);
        }
        self.young.remove(hash);
        self.old.remove(hash);
        None
    }

    /// When half of the entries are new, the older half goes.
    fn insert(&mut self, hash: TokenHash, answer: Answer) {
        if self.young.len() >= MOST_KNOWN / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, answer);
    }
}

impl Reviewer {
    /// Reviews one token after the other.
    pub(super) async fn work(self, reviews: Arc<Reviews>, mut waiting: mpsc::Receiver<Waiting>, now: impl Fn() -> f64) {
        let mut has_failed = false;
        while let Some(next) = waiting.recv().await {
            match self.review(&next.token).await {
                Ok(actor) => {
                    if std::mem::take(&mut has_failed) {
                        self.notices.recovered_of(REVIEWS, "the API server reviews tokens again");
                    }
                    // An account may be made after its token was asked about, so a refusal is not for long.
                    let until = if actor.is_some() { next.until } else { next.until.min(now() + REFUSED_FOR) };
                    reviews.settle(next.hash, Some(Answer { actor: actor.map(Arc::new), until }));
                }
                Err(error) => {
                    if !std::mem::replace(&mut has_failed, true) {
                        self.notices.warn_of(
                            REVIEWS,
                            format!("tokens of service accounts cannot be reviewed: {error}; they are not verified until then"),
                        );
                    }
                    reviews.settle(next.hash, None);
                    // Nobody is asked meanwhile. Whoever waits asks again after it, and would wait for the end of their time otherwise.
                    tokio::time::sleep(PAUSE).await;
                    reviews.stir();
                }
            }
        }
    }

    /// The actor, or `None` if the API server does not accept the token for the audience.
    async fn review(&self, token: &str) -> Result<Option<Actor>, LoadError> {
        let failed = |path: &PathBuf| {
            let path = path.display().to_string();
            move |error| LoadError::File(path, error)
        };
        let pem = self.ca.as_ref().map(|path| regular::read(path).map_err(failed(path))).transpose()?;
        let own = regular::read(&self.token_file).map_err(failed(&self.token_file))?;
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": [self.audience] },
        });
        let client = Client::new(pem.as_deref(), self.timeout)?;
        let answer = client.post(&self.address, bearer(&own), Bytes::from(body.to_string())).await?;
        let wrong = |problem| LoadError::Metadata(self.address.to_string(), problem);
        let answer: Value = serde_json::from_slice(&answer.body).map_err(|_| wrong("it is not JSON"))?;
        let status = answer.get("status").and_then(Value::as_object).ok_or_else(|| wrong("it has no `status`"))?;
        if status.get("authenticated").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        // API servers that do not know of audiences leave them out; then the token is for the API server itself.
        let audiences = status.get("audiences").and_then(Value::as_array);
        if !audiences.is_some_and(|audiences| audiences.iter().any(|audience| *audience == self.audience.as_str())) {
            return Ok(None);
        }
        let user = status.get("user").and_then(Value::as_object).ok_or_else(|| wrong("it has no `status.user`"))?;
        Ok(account::of_review(user, Some(&self.digests)))
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// The kind of these notices.
const REVIEWS: &str = "reviews of tokens";
/// More than an API server should be asked at once by one pod.
const MOST_WAITING: usize = 64;
const MOST_KNOWN: usize = 2048;
/// Seconds.
const REFUSED_FOR: f64 = 60.0;
const PAUSE: Duration = Duration::from_secs(1);
