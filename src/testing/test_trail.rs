//! A trail in memory.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audit_record::AuditRecord;
use super::expectation::Expectation;
use super::inbox::Inbox;
use super::memory_fs::MemoryFs;
use super::mismatch::Mismatch;
use super::verdict::{Verdict, judge, open_calls};
use crate::config::{Environment, Notice, SinkKind};
use crate::locks::Mutex;
use crate::record::EventName;
use crate::trail::{StartError, Trail, TrailBuilder, within};

/// A [`Trail`] whose journal and collector are in memory, and that can be asked what was audited: see
/// [`testing`](crate::testing).
#[derive(Debug)]
pub struct TestTrail {
    trail: Trail,
    inbox: Inbox,
    notices: Arc<Mutex<Vec<Notice>>>,
    patience: Duration,
    /// Where a process has one subscriber only, `tracing` asks that of the current thread whether a call site is of interest,
    /// and remembers the answer for all threads: tests without a subscriber would say no for those with one.
    _second: tracing::Dispatch,
}

impl TestTrail {
    /// A trail with the defaults of [`Trail::builder`].
    ///
    /// # Panics
    /// If it does not start, which only a machine without threads causes.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::of(Trail::builder("test"))
    }

    /// A trail with the settings, hooks and classes of that builder. Its directory, file system, connector, environment and
    /// sink of notices are replaced: nothing is on a network or on the disk.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn of(builder: TrailBuilder) -> Self {
        match Self::start(builder) {
            Ok(trail) => trail,
            Err(error) => fail(&error.to_string()),
        }
    }

    /// As [`of`](Self::of).
    ///
    /// # Errors
    /// [`StartError`], if the builder has a mistake.
    pub fn start(builder: TrailBuilder) -> Result<Self, StartError> {
        let (inbox, notices) = (Inbox::default(), Arc::<Mutex<Vec<Notice>>>::default());
        let said = notices.clone();
        let trail = builder
            .environment(Environment::default())
            .directory("/auditrail-testing")
            .fs(MemoryFs::default())
            .connector(inbox.clone())
            .sinks([SinkKind::Otlp])
            .on_notice(move |notice| said.lock().push(notice.clone()))
            .start()?;
        let second = tracing::Dispatch::new(tracing_subscriber::registry());
        Ok(Self { trail, inbox, notices, patience: PATIENCE, _second: second })
    }

    /// How long an assertion that does not hold waits for what may still come: five seconds, if it is not said.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The trail, for servers that keep a handle. Further handles: `trail().clone()`.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Everything that was recorded so far, in order, apart from what the trail records about itself.
    #[must_use]
    pub fn records(&self) -> Vec<AuditRecord> {
        let mut records = self.all_records();
        records.retain(|record| record.event() != Some(EventName::Lifecycle));
        records
    }

    /// Everything that was recorded so far, in order, with what the trail records about itself.
    #[must_use]
    pub fn all_records(&self) -> Vec<AuditRecord> {
        let _late = self.trail.core().flush_blocking(FLUSHED);
        self.inbox.records()
    }

    /// What the trail reported so far, which goes to standard error elsewhere.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.notices.lock().iter().map(|notice| notice.text.clone()).collect()
    }

    /// Asserts what [`assert_audited!`](crate::assert_audited) asserts.
    ///
    /// # Panics
    /// If the records are not as expected.
    #[track_caller]
    pub fn assert_audited(&self, expected: &Expectation) {
        if let Err(mismatch) = self.check(expected) {
            fail(&mismatch.to_string());
        }
    }

    /// Waits until no call is open, for up to [`patience`](Self::patience). Any executor may await it.
    pub async fn settled(&self) {
        let settled = async {
            loop {
                let records = self.shipped().await;
                if open_calls(&records).is_empty() {
                    return;
                }
                self.inbox.beyond(records.len()).await;
            }
        };
        let _late = within(self.patience, settled).await;
    }

    /// Waits until records are as expected, for up to [`patience`](Self::patience), without keeping the thread. Any executor may
    /// await it.
    ///
    /// # Errors
    /// [`Mismatch`], if they are not.
    pub async fn wait_for(&self, expected: &Expectation) -> Result<(), Mismatch> {
        let decided = async {
            loop {
                let records = self.shipped().await;
                if matches!(judge(expected, &records), Verdict::Holds | Verdict::Fails) {
                    return;
                }
                self.inbox.beyond(records.len()).await;
            }
        };
        let _late = within(self.patience, decided).await;
        expected.check(&self.shipped().await)
    }

    /// As [`wait_for`](Self::wait_for), on a thread that may block.
    fn check(&self, expected: &Expectation) -> Result<(), Mismatch> {
        let until = Instant::now() + self.patience;
        loop {
            let records = self.all_records();
            let is_decided = matches!(judge(expected, &records), Verdict::Holds | Verdict::Fails);
            if is_decided || !self.inbox.wait_beyond(records.len(), until) {
                return expected.check(&records);
            }
        }
    }

    async fn shipped(&self) -> Vec<AuditRecord> {
        let _late = self.trail.flush(FLUSHED).await;
        self.inbox.records()
    }
}

impl Default for TestTrail {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TestTrail {
    type Target = Trail;

    fn deref(&self) -> &Trail {
        &self.trail
    }
}

#[track_caller]
#[allow(clippy::panic, reason = "this is how an assertion fails")]
fn fail(what: &str) -> ! {
    panic!("{what}")
}

/// The connector takes everything, so only a machine that stands still needs as long as that.
const FLUSHED: Duration = Duration::from_secs(60);
/// Longer than a loaded machine needs to end a call.
const PATIENCE: Duration = Duration::from_secs(5);
