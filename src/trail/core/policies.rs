//! The policy in force, and its change while calls run.
//!
//! Invariants:
//! 1. Each call takes the policy once, when it begins, and keeps it until its end.
//! 2. A policy is recorded when it comes into force, with its digest and that of the one before it. The records of the calls that
//!    it decides name it, so the order of that record and of theirs does not matter.
//! 3. Without rules a call costs one read of a flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::locks::{Mutex, RwLock};
use crate::policy::Policy;
use crate::trail::calls::PolicyInForce;
use crate::trail::recording::{SelfReporter, Suppressed};
use crate::trail::records::{Lifecycle, PolicyRecord};

/// The policy of a trail.
pub(in crate::trail) struct Policies {
    /// Whether it has rules.
    is_set: AtomicBool,
    current: RwLock<Arc<PolicyInForce>>,
    /// Held by whoever changes it, so that the records of changes have the order of the changes.
    changing: Mutex<()>,
    suppressed: Arc<Suppressed>,
    reporter: Arc<SelfReporter>,
    /// Auditing is switched off.
    is_off: bool,
}

impl Policies {
    pub(in crate::trail) fn new(
        policy: Policy,
        suppressed: Arc<Suppressed>,
        reporter: Arc<SelfReporter>,
        is_off: bool,
    ) -> Self {
        let is_set = !policy.is_empty();
        let policies = Self {
            is_set: AtomicBool::new(is_set && !is_off),
            current: RwLock::new(Arc::new(PolicyInForce::new(policy))),
            changing: Mutex::default(),
            suppressed,
            reporter,
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

    /// Puts another policy into force for the calls that begin from now on.
    pub(in crate::trail) fn change(&self, policy: Policy) {
        let _alone = self.changing.lock();
        let is_set = !policy.is_empty() && !self.is_off;
        let new = Arc::new(PolicyInForce::new(policy));
        let old = std::mem::replace(&mut *self.current.write(), new);
        self.is_set.store(is_set, Ordering::Release);
        let previous = old.policy.digest().to_owned();
        if previous != self.current().policy.digest() {
            self.tell_suppressed();
            self.tell(Some(previous));
        }
    }

    /// Tells what was left out, once a minute. It ends with the trail.
    pub(in crate::trail) fn report_from_time_to_time(self: Arc<Self>) -> impl Future<Output = ()> + use<> {
        let policies = Arc::downgrade(&self);
        async move {
            loop {
                tokio::time::sleep(REPORT_INTERVAL).await;
                let Some(policies) = policies.upgrade() else { return };
                policies.tell_suppressed();
            }
        }
    }

    /// What it left out.
    pub(in crate::trail) fn suppressed(&self) -> &Suppressed {
        &self.suppressed
    }

    /// Tells what was left out since it was told last.
    pub(in crate::trail) fn tell_suppressed(&self) {
        self.suppressed.untold().into_iter().for_each(|gap| self.reporter.tell(Lifecycle::Gap(gap)));
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

/// Seldom enough that the reports are few, and often enough that whoever reads the stream does not wait.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
