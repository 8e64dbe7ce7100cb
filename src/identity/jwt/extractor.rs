//! The extractor of JSON Web Tokens.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::cache::{self, TokenCache};
use super::issuer::JwtIssuer;
use super::keys::{KeeperThread, Kept, KeyStore};
use super::presented;
use super::verifier::{self, KnownIssuer};
use crate::config::ConfigError;
use crate::identity::actor::Actor;
use crate::identity::extractor::{Changed, Extractor};
use crate::identity::request::RequestFacts;
use crate::identity::start::ExtractorStart;
use crate::record::{Clock, SystemClock};

/// Verifies JSON Web Tokens (RFC 7519): over HTTP the bearer token of a request, over stdio a token that the process was given.
///
/// A token that is present and not verified is an answer, too: the record says why, and names nobody if the signature is wrong.
/// The keys of the issuers are loaded on the thread `auditrail-keys`; calls never wait for them.
#[must_use = "give it to the trail"]
pub struct JwtExtractor {
    issuers: Arc<[KnownIssuer]>,
    cache: TokenCache,
    process_token: Option<String>,
    started: OnceLock<Started>,
}

struct Started {
    start: ExtractorStart,
    _thread: KeeperThread,
}

impl JwtExtractor {
    /// An extractor for the tokens of these issuers.
    ///
    /// # Errors
    /// The first mistake in their settings.
    pub fn new(issuers: impl IntoIterator<Item = JwtIssuer>) -> Result<Self, ConfigError> {
        let mut known: Vec<KnownIssuer> = Vec::new();
        for settings in issuers {
            settings.check()?;
            if known.iter().any(|other| other.settings.name() == settings.name()) {
                let fix = "name each issuer once, with all its audiences";
                return Err(ConfigError::value("issuer", settings.name(), "it is there twice", fix));
            }
            let (_, timing) = settings.loader()?;
            known.push(KnownIssuer { settings, store: Arc::new(KeyStore::new(timing.cool_down)) });
        }
        if known.is_empty() {
            return Err(ConfigError::value("issuer", "", "no token would be verified", "name an issuer"));
        }
        Ok(Self { issuers: known.into(), cache: TokenCache::default(), process_token: None, started: OnceLock::new() })
    }

    /// The token of the client over stdio, where no request has one: the value of an environment variable that whoever starts the
    /// process sets. It is verified at each call, so it expires.
    pub fn process_token(mut self, token: Option<String>) -> Self {
        self.process_token = token;
        self
    }

    /// Loads the files of keys, and starts the thread that loads the others.
    fn run(&self, start: &ExtractorStart) -> Result<KeeperThread, ConfigError> {
        let mut work: Vec<super::keys::Work> = Vec::new();
        for issuer in self.issuers.iter() {
            let (mut loader, timing) = issuer.settings.loader()?;
            if let Some(loaded) = loader.load_file() {
                match loaded {
                    Ok(loaded) => issuer.store.take(loaded),
                    Err(error) => {
                        let fix = "name a readable file with a JSON Web Key Set";
                        return Err(ConfigError::secret("jwks_file", error.to_string(), fix));
                    }
                }
            }
            let kept = Kept { loader, store: issuer.store.clone(), timing, issuer: issuer.settings.name().to_owned() };
            work.push(Box::pin(kept.keep(start.notices.clone())));
        }
        KeeperThread::start(work).map_err(|error| {
            let fix = "raise the limit of threads or files";
            ConfigError::value("auditrail-keys", "", format!("the thread cannot start: {error}"), fix)
        })
    }

    fn now(&self) -> f64 {
        let nanos = match self.started.get() {
            Some(started) => started.start.clock.unix_nano(),
            None => SystemClock.unix_nano(),
        };
        std::time::Duration::from_nanos(nanos).as_secs_f64()
    }

    fn of_token(&self, token: &str) -> Actor {
        let (hash, now) = (cache::hash(token), self.now());
        if let Some(actor) = self.cache.get(&hash, now) {
            return actor;
        }
        let digests = self.started.get().map(|started| &started.start.digests);
        let examined = verifier::examine(&self.issuers, digests, token, now);
        if let Some(verified) = examined.verified {
            self.cache.insert(hash, examined.actor.clone(), verified);
        }
        examined.actor
    }
}

impl Extractor for JwtExtractor {
    fn source(&self) -> &'static str {
        "jwt"
    }

    fn start(&self, start: &ExtractorStart) -> Result<(), ConfigError> {
        if self.started.get().is_some() {
            // Of two trails with one extractor, the first gives it its notices and its key.
            return Ok(());
        }
        let started = Started { _thread: self.run(start)?, start: start.clone() };
        drop(self.started.set(started));
        Ok(())
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        let token = match request.headers {
            Some(headers) => presented::token(headers)?,
            None => presented::checked(self.process_token.as_ref()?.trim().as_bytes()),
        };
        Some(match token {
            Ok(token) => self.of_token(token),
            Err(reason) => verifier::nobody(reason),
        })
    }

    /// The token of the process expires while the connection lasts.
    fn asks_each_message(&self) -> bool {
        self.process_token.is_some()
    }

    fn changed(&self) -> Option<Changed> {
        let changes: Vec<_> = self.issuers.iter().map(|issuer| issuer.store.changed()).collect();
        Some(any(changes))
    }
}

/// Completes with the first of them.
fn any(mut changes: Vec<Changed>) -> Changed {
    Box::pin(std::future::poll_fn(move |context| {
        let is_any = changes.iter_mut().any(|change| change.as_mut().poll(context).is_ready());
        if is_any { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }))
}

/// Without tokens.
impl fmt::Debug for JwtExtractor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.issuers.iter().map(|issuer| issuer.settings.name()).collect();
        f.debug_struct("JwtExtractor").field("issuers", &issuers).finish_non_exhaustive()
    }
}
