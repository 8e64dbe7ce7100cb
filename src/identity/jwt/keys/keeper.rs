//! The thread that loads keys.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::source::{Loaded, Loader};
use super::store::{KeyStore, Timing};
use crate::config::Notices;

/// The thread `auditrail-keys`. It ends when this is dropped.
#[derive(Debug)]
pub(in crate::identity::jwt) struct KeeperThread(
    #[expect(dead_code, reason = "its drop ends the thread")] oneshot::Sender<()>,
);

/// An issuer whose keys are kept.
#[derive(Debug)]
pub(in crate::identity::jwt) struct Kept {
    pub(in crate::identity::jwt) loader: Loader,
    pub(in crate::identity::jwt) store: Arc<KeyStore>,
    pub(in crate::identity::jwt) timing: Timing,
    /// For notices.
    pub(in crate::identity::jwt) issuer: String,
}

/// A piece of work of the thread.
pub(in crate::identity::jwt) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl KeeperThread {
    /// Starts it with that work, which never ends.
    ///
    /// # Errors
    /// If the process can have no more threads or descriptors.
    pub(in crate::identity::jwt) fn start(work: Vec<Work>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("auditrail-keys".into()).spawn(move || run(runtime, work, stopped))?;
        Ok(Self(stop))
    }
}

fn run(runtime: Runtime, work: Vec<Work>, stopped: oneshot::Receiver<()>) {
    // Spans and events of our own traffic must reach neither the host's subscriber nor its exporters.
    let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), || {
        runtime.block_on(async {
            let mut tasks: JoinSet<()> = work.into_iter().collect();
            // A task that panics is not started again: it would panic again.
            let all = async { while tasks.join_next().await.is_some() {} };
            tokio::select! {
                () = all => {}
                _ = stopped => {}
            }
        });
        // The resolver of names may hang.
        runtime.shutdown_background();
    });
}

impl Kept {
    /// Loads at once, then at intervals and when calls ask for it.
    pub(in crate::identity::jwt) async fn keep(mut self, notices: Notices) {
        let mut troubles = Troubles { count: 0, told: String::new(), confirmed: Instant::now() };
        loop {
            let pause = match self.loader.load().await {
                Ok(loaded) => {
                    if troubles.count > 0 {
                        notices.recovered_of(KEYS, format!("the keys of {} can be loaded again", self.issuer));
                    }
                    troubles = Troubles { count: 0, told: String::new(), confirmed: Instant::now() };
                    self.take(loaded)
                }
                Err(error) => {
                    troubles.count = troubles.count.saturating_add(1);
                    let text = format!("{error}; {}", self.rest(troubles.confirmed));
                    // Each trouble is told once, not at each attempt.
                    if troubles.told != text {
                        notices.warn_of(KEYS, format!("the keys of {} cannot be loaded: {text}", self.issuer));
                        troubles.told = text;
                    }
                    self.store.fail();
                    troubles.pause().min(self.timing.refresh)
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.store.wanted() => {}
            }
        }
    }

    /// Returns when to load again.
    fn take(&self, loaded: Loaded) -> Duration {
        let max_age = if let Loaded::Keys(_, max_age) = &loaded { *max_age } else { None };
        self.store.take(loaded);
        max_age.map_or(self.timing.refresh, |age| {
            age.clamp(SHORTEST.min(self.timing.refresh), LONGEST.max(self.timing.refresh))
        })
    }

    /// What becomes of the keys that were loaded before.
    fn rest(&self, confirmed: Instant) -> &'static str {
        if !self.loader.is_file() && confirmed.elapsed() >= self.timing.stale && self.store.drop_keys() {
            return "the last ones are too old to be used any longer, so its tokens are not verified until then";
        }
        if self.store.is_empty() { "its tokens are not verified until then" } else { "the last ones stay in use" }
    }
}

/// What has gone wrong since the last good load.
struct Troubles {
    count: u32,
    told: String,
    /// The last good load.
    confirmed: Instant,
}

impl Troubles {
    /// Doubles with each.
    fn pause(&self) -> Duration {
        FIRST_RETRY.saturating_mul(1 << self.count.min(10).saturating_sub(1)).min(LAST_RETRY)
    }
}

/// The kind of these notices.
const KEYS: &str = "keys of an issuer";
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
/// The bounds of what `Cache-Control` may say: a server can neither cause a flood of requests nor make revoked keys live for long.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);
