//! The extractor of service accounts.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::account;
use super::review::{Review, Reviewer, Reviews};
use super::settings::KubernetesIdentity;
use crate::config::ConfigError;
use crate::identity::actor::{Actor, UnverifiedReason};
use crate::identity::extractor::{Changed, Extractor};
use crate::identity::jwt::cache::{self, TokenCache};
use crate::identity::jwt::claims::Claims;
use crate::identity::jwt::compact::CompactToken;
use crate::identity::jwt::keys::{KeeperThread, Kept, KeyStore, Work};
use crate::identity::jwt::presented;
use crate::identity::jwt::read_actor::{ActorReader, Signature};
use crate::identity::jwt::verifier::{self, KnownIssuer};
use crate::identity::request::RequestFacts;
use crate::identity::start::ExtractorStart;

/// Verifies tokens of Kubernetes service accounts. In front of a [`JwtExtractor`](crate::identity::jwt::JwtExtractor), it must
/// [leave tokens of others](KubernetesIdentity::pass_others) to it.
#[must_use = "give it to the trail"]
pub struct KubernetesExtractor {
    settings: KubernetesIdentity,
    running: OnceLock<Running>,
}

struct Running {
    cluster: KnownIssuer,
    cache: TokenCache,
    reviews: Option<Arc<Reviews>>,
    start: ExtractorStart,
    _thread: KeeperThread,
}

impl KubernetesExtractor {
    /// # Errors
    /// The first mistake in the settings. The files of the pod are read when the trail starts.
    pub fn new(settings: KubernetesIdentity) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self { settings, running: OnceLock::new() })
    }

    fn run(&self, start: &ExtractorStart) -> Result<Running, ConfigError> {
        let settings = self.settings.cluster()?;
        let (loader, timing) = settings.loader()?;
        let store = Arc::new(KeyStore::new(timing.cool_down));
        let kept = Kept { loader, store: store.clone(), timing, issuer: settings.name().to_owned() };
        let mut work: Vec<Work> = vec![Box::pin(kept.keep(start.notices.clone()))];
        let reviews = self.settings.reviews.then(Reviews::new);
        let reviews = reviews.map(|(reviews, waiting)| {
            let reviewer = self.reviewer(start)?;
            let clock = start.clock.clone();
            work.push(Box::pin(reviewer.work(reviews.clone(), waiting, move || start_seconds(&*clock))));
            Ok::<_, ConfigError>(reviews)
        });
        let reviews = reviews.transpose()?;
        let thread = KeeperThread::start(work).map_err(|error| {
            let problem = format!("the thread cannot start: {error}");
            ConfigError::value("auditrail-keys", "", problem, "raise the limit of threads or files")
        })?;
        let cluster = KnownIssuer { settings, store };
        Ok(Running { cluster, cache: TokenCache::default(), reviews, start: start.clone(), _thread: thread })
    }

    fn reviewer(&self, start: &ExtractorStart) -> Result<Reviewer, ConfigError> {
        let is_secure = self.settings.api_server.starts_with("https:");
        Ok(Reviewer {
            address: self.settings.review_address()?,
            audience: self.settings.audience.clone(),
            token_file: self.settings.token_file(),
            ca: is_secure.then(|| self.settings.directory.join("ca.crt")),
            timeout: self.settings.timeout,
            digests: start.digests.clone(),
            notices: start.notices.clone(),
        })
    }
}

/// What a record says of a token of somebody else, if no other extractor is asked.
struct NotOfCluster(Box<Actor>);

impl Running {
    /// The actor of a token that names the cluster.
    fn of_token(&self, text: &str) -> Result<Actor, NotOfCluster> {
        let (hash, now) = (cache::hash(text), start_seconds(&*self.start.clock));
        if self.reviews.is_none()
            && let Some(actor) = self.cache.get(&hash, now)
        {
            return Ok(actor);
        }
        let Some(token) = CompactToken::parse(text) else {
            return Err(NotOfCluster(Box::new(verifier::nobody(UnverifiedReason::Malformed))));
        };
        let names = self.cluster.settings.claim_names();
        let reader = ActorReader { names, digests: Some(&self.start.digests) };
        let actor = |signature, failed| {
            let mut actor = reader.actor(&token.claims, signature, failed);
            account::complete(&mut actor, &token.claims, signature == Signature::Right);
            actor
        };
        if Claims(&token.claims).text("iss") != Some(self.cluster.settings.name()) {
            return Err(NotOfCluster(Box::new(reader.actor(
                &token.claims,
                Signature::Wrong,
                Some(UnverifiedReason::Issuer),
            ))));
        }
        let checked = self.cluster.check(&token, now);
        let Some(reviews) = &self.reviews else {
            return Ok(match checked {
                Ok(verified) => {
                    let actor = actor(Signature::Right, None);
                    self.cache.insert(hash, actor.clone(), verified);
                    actor
                }
                Err((reason, signature)) => actor(signature, Some(reason)),
            });
        };
        match checked {
            // The API server has the last word about what the keys do not disprove.
            Ok(_) | Err((_, Signature::Unchecked)) => {}
            Err((reason, signature)) => return Ok(actor(signature, Some(reason))),
        }
        let until = Claims(&token.claims).time("exp").ok().flatten().filter(|until| now < *until);
        let Some(until) = until else { return Ok(actor(Signature::Wrong, Some(UnverifiedReason::Expired))) };
        Ok(match reviews.of(hash, text, until, now) {
            Review::Accepted(accepted) => {
                let mut accepted = (*accepted).clone();
                accepted.token.issuer = Some(self.cluster.settings.name().to_owned());
                accepted
            }
            Review::Rejected => actor(Signature::Wrong, Some(UnverifiedReason::Rejected)),
            Review::Unknown => actor(Signature::Unchecked, Some(UnverifiedReason::KeyUnavailable)),
        })
    }
}

impl Extractor for KubernetesExtractor {
    fn source(&self) -> &'static str {
        "kubernetes"
    }

    fn start(&self, start: &ExtractorStart) -> Result<(), ConfigError> {
        if self.running.get().is_none() {
            drop(self.running.set(self.run(start)?));
        }
        Ok(())
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        let running = self.running.get()?;
        let found = match presented::token(request.headers?)? {
            Ok(token) => running.of_token(token),
            Err(reason) => Err(NotOfCluster(Box::new(verifier::nobody(reason)))),
        };
        match found {
            Ok(actor) => Some(actor),
            Err(NotOfCluster(actor)) => (!self.settings.passes_others).then_some(*actor),
        }
    }

    fn changed(&self) -> Option<Changed> {
        let running = self.running.get()?;
        let keys = running.cluster.store.changed();
        Some(match &running.reviews {
            Some(reviews) => reviews.changed(),
            None => keys,
        })
    }
}

fn start_seconds(clock: &dyn crate::record::Clock) -> f64 {
    std::time::Duration::from_nanos(clock.unix_nano()).as_secs_f64()
}

/// Without tokens.
impl fmt::Debug for KubernetesExtractor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesExtractor").field("settings", &self.settings).finish_non_exhaustive()
    }
}
