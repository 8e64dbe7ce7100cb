//! The policy in force, and its change while calls run.
//!
//! Invariants:
//! 1. Each call takes the policy once, when it begins, and keeps it until its end.
//! 2. A policy is recorded when it comes into force, with its digest and that of the one before it. The records of the calls that
//!    it decides name it, so the order of that record and of theirs does not matter.
//! 3. A policy that cannot be used changes nothing.
//! 4. Without rules a call costs one read of a flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::policy_source::PolicySource;
use crate::config::Notices;
use crate::locks::{Mutex, RwLock};
use crate::policy::Policy;
use crate::record::error_type;
use crate::trail::calls::PolicyInForce;
use crate::trail::recording::{SelfReporter, Suppressed};
use crate::trail::records::{Lifecycle, PolicyRecord};

type Check = Box<dyn Fn(&Policy) -> Result<(), crate::config::ConfigError> + Send + Sync>;

/// The policy of a trail.
pub(in crate::trail) struct Policies {
    /// Whether it has rules.
    is_set: AtomicBool,
    current: RwLock<Arc<PolicyInForce>>,
    /// Held by whoever changes it, so that the records of changes have the order of the changes.
    changing: Mutex<()>,
    source: Mutex<Option<PolicySource>>,
    is_bad: AtomicBool,
    /// Somebody relays calls and has begun without holding any.
    never_holds: AtomicBool,
    pub(in crate::trail) suppressed: Arc<Suppressed>,
    reporter: Arc<SelfReporter>,
    notices: Notices,
    check: Check,
    /// Set once a policy wants arguments or results on records. It stays: a policy that wants none has none on records all the same.
    wants_content: Arc<AtomicBool>,
    /// Auditing is switched off.
    is_off: bool,
}

/// What a [`Policies`] tells, and by what it checks.
pub(in crate::trail) struct PolicyContext {
    pub(in crate::trail) reporter: Arc<SelfReporter>,
    pub(in crate::trail) notices: Notices,
    pub(in crate::trail) check: Check,
    pub(in crate::trail) wants_content: Arc<AtomicBool>,
    pub(in crate::trail) is_off: bool,
}

impl Policies {
    pub(in crate::trail) fn new(policy: Policy, source: Option<PolicySource>, context: PolicyContext) -> Self {
        let PolicyContext { reporter, notices, check, wants_content, is_off } = context;
        wants_content.fetch_or(policy.wants_content(), Ordering::Relaxed);
        let is_set = policy.rules() > 0;
        let policies = Self {
            is_set: AtomicBool::new(is_set && !is_off),
            current: RwLock::new(Arc::new(PolicyInForce::new(policy))),
            changing: Mutex::default(),
            source: Mutex::new(source),
            is_bad: AtomicBool::default(),
            never_holds: AtomicBool::default(),
            suppressed: Arc::default(),
            reporter,
            notices,
            check,
            wants_content,
            is_off,
        };
        if is_set {
            policies.tell(None);
        }
        policies
    }

    /// The policy for a call that begins; `None` if there are no rules.
    #[inline]
    pub(in crate::trail) fn for_call(&self) -> Option<Arc<PolicyInForce>> {
        self.is_set.load(Ordering::Acquire).then(|| self.current())
    }

    /// Whether calls are asked about.
    pub(in crate::trail) fn has_rules(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// The policy in force.
    pub(in crate::trail) fn current(&self) -> Arc<PolicyInForce> {
        self.current.read().clone()
    }

    /// Whether a class of the policy may hold calls.
    #[cfg(any(feature = "internals", feature = "rmcp"))]
    pub(in crate::trail) fn may_hold(&self) -> bool {
        may_hold(&self.current().policy)
    }

    /// Whoever relays calls holds none of them from now on, so no policy may want that.
    #[cfg(feature = "internals")]
    pub(in crate::trail) fn never_hold(&self) {
        self.never_holds.store(true, Ordering::Release);
    }

    /// Puts another policy into force for the calls that begin from now on.
    ///
    /// # Errors
    /// A class of it cannot be kept.
    pub(in crate::trail) fn change(&self, policy: Policy) -> Result<(), crate::config::ConfigError> {
        (self.check)(&policy)?;
        if self.never_holds.load(Ordering::Acquire) && may_hold(&policy) {
            return Err(crate::config::ConfigError::value(
                "a class of the policy",
                "may hold calls",
                "the process relays calls, and was started without a class that may hold them".to_owned(),
                "restart the process",
            ));
        }
        let _alone = self.changing.lock();
        let is_set = policy.rules() > 0 && !self.is_off;
        self.wants_content.fetch_or(policy.wants_content(), Ordering::Relaxed);
        let new = Arc::new(PolicyInForce::new(policy));
        let old = std::mem::replace(&mut *self.current.write(), new);
        self.is_set.store(is_set, Ordering::Release);
        let previous = old.policy.digest().to_owned();
        if previous != self.current().policy.digest() {
            self.tell_suppressed();
            self.tell(Some(previous));
        }
        Ok(())
    }

    /// Tells what was left out since it was told last.
    pub(in crate::trail) fn tell_suppressed(&self) {
        self.suppressed.untold().into_iter().for_each(|gap| self.reporter.tell(Lifecycle::Gap(gap)));
    }

    /// Looks whether the files of the policy have changed, and tells from time to time what was left out. It ends with the trail.
    pub(in crate::trail) fn keep_up(self: Arc<Self>) -> impl Future<Output = ()> + use<> {
        let policies = Arc::downgrade(&self);
        async move {
            for look in 1_u32.. {
                tokio::time::sleep(LOOK_INTERVAL).await;
                let Some(policies) = policies.upgrade() else { return };
                policies.look();
                if look.is_multiple_of(LOOKS_PER_REPORT) {
                    policies.tell_suppressed();
                }
            }
        }
    }

    /// Reads the files of the policy again if they have changed.
    fn look(&self) {
        let mut source = self.source.lock();
        let Some(source) = source.as_mut() else { return };
        let Some(read) = source.again() else { return };
        match read.and_then(|policy| self.change(policy).map_err(|error| error.to_string())) {
            Ok(()) => {
                if self.is_bad.swap(false, Ordering::Relaxed) {
                    self.notices.recovered_of(BAD, "the policy can be used again");
                    self.reporter.tell(Lifecycle::Recovered(BAD));
                }
            }
            Err(error) => {
                let paths: Vec<_> = source.paths().map(|path| path.display().to_string()).collect();
                let digest = self.current().policy.digest().to_owned();
                self.notices.warn(format!(
                    "the policy has changed and cannot be used, so that with the digest {digest} stays in force: {error} \
                     (read from {})",
                    paths.join(", ")
                ));
                if !self.is_bad.swap(true, Ordering::Relaxed) {
                    self.reporter.tell(Lifecycle::Degraded(BAD));
                }
            }
        }
    }

    fn tell(&self, previous: Option<String>) {
        if self.is_off {
            return;
        }
        let current = self.current();
        let (id, digest) = (current.policy.id().to_owned(), current.policy.digest().to_owned());
        self.reporter.tell(Lifecycle::Policy(PolicyRecord { id, digest, previous }));
    }
}

fn may_hold(policy: &Policy) -> bool {
    policy.classes().any(|class| class.may_hold())
}

/// Often enough for people who change a file, and seldom enough to cost nothing.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// A report a minute: few records, and whoever reads the stream does not wait long.
const LOOKS_PER_REPORT: u32 = 60;
const BAD: &str = error_type::POLICY_UNUSABLE;
