//! What auditrail reports about itself: rarely, in one line, never with a value of a record.
//!
//! A sink is never called with the lock held, because it may itself give a notice.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;
use std::{fmt, thread};

use super::flood::Flood;
use super::notice::{Notice, NoticeKind, NoticeLevel};
use super::plain::plain;
use crate::locks::{Mutex, MutexGuard};

/// Where notices go: standard error, unless the builder was given something else. Never standard output, which
/// belongs to MCP over stdio.
///
/// At most ten notices of one kind are printed within a minute, and then one with the number of the others, so that
/// nothing that others can provoke repeatedly fills a log. Each is one line without control characters.
#[derive(Clone)]
pub struct Notices(Arc<Shared>);

struct Shared {
    sink: Box<dyn Fn(&Notice) + Send + Sync>,
    flood: Mutex<Flood>,
    /// A thread waits for the end of a minute.
    has_teller: AtomicBool,
}

impl Notices {
    /// Sends notices to `sink`, which must not block.
    pub fn to(sink: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { sink: Box::new(sink), flood: Mutex::default(), has_teller: AtomicBool::new(false) }))
    }

    /// Reports a problem. The calling place in the code is its kind.
    #[track_caller]
    pub fn warn(&self, text: impl Into<String>) {
        self.say(here(), NoticeLevel::Warning, text.into());
    }

    /// Reports that a problem is over.
    #[track_caller]
    pub fn recovered(&self, text: impl Into<String>) {
        self.say(here(), NoticeLevel::Recovered, text.into());
    }

    /// Reports a problem of that kind, for a place in the code that reports several kinds.
    pub(crate) fn warn_of(&self, kind: &'static str, text: impl Into<String>) {
        self.say(NoticeKind(kind, 0, 0), NoticeLevel::Warning, text.into());
    }

    /// Reports that a problem of that kind is over.
    pub(crate) fn recovered_of(&self, kind: &'static str, text: impl Into<String>) {
        self.say(NoticeKind(kind, 0, 1), NoticeLevel::Recovered, text.into());
    }

    /// Reports a problem without the limit on notices, and without a lock.
    pub(crate) fn warn_alone(&self, text: &str) {
        self.0.tell(&Notice { level: NoticeLevel::Warning, text: text.to_owned() });
    }

    /// Prints how many notices were suppressed so far, without waiting for the end of their minutes.
    pub(crate) fn settle(&self) {
        self.0.settle();
    }

    fn say(&self, kind: NoticeKind, level: NoticeLevel, text: String) {
        let notice = Notice { level, text: plain(&text).into_owned() };
        let (due, is_held) = {
            let mut flood = self.0.flood();
            (flood.take(kind, notice, Instant::now()), flood.next().is_some())
        };
        due.iter().for_each(|notice| self.0.tell(notice));
        if is_held && !self.0.has_teller.swap(true, Ordering::AcqRel) {
            let shared = Arc::downgrade(&self.0);
            let teller = thread::Builder::new().name("auditrail-notices".into()).spawn(move || tell_later(&shared));
            if teller.is_err() {
                // It is printed with the next of its kind then, or at the end.
                self.0.has_teller.store(false, Ordering::Release);
            }
        }
    }
}

/// Waits for the ends of minutes in which a notice was suppressed.
fn tell_later(shared: &Weak<Shared>) {
    while let Some(next) = shared.upgrade().and_then(|shared| shared.next_or_none()) {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let Some(shared) = shared.upgrade() else { return };
        let due = shared.flood().due(Some(Instant::now()));
        due.iter().for_each(|notice| shared.tell(notice));
    }
}

impl Shared {
    /// The time that the thread waits for. `None` ends the thread.
    fn next_or_none(&self) -> Option<Instant> {
        let flood = self.flood();
        let next = flood.next();
        // Under the lock, so that the next suppressed notice starts another thread.
        self.has_teller.store(next.is_some(), Ordering::Release);
        next
    }

    fn flood(&self) -> MutexGuard<'_, Flood> {
        self.flood.lock()
    }

    /// A sink that panics (`eprintln!` does so if standard error is closed) must not affect a call or the shipper,
    /// and there is nothing else to report to.
    fn tell(&self, notice: &Notice) {
        drop(catch_unwind(AssertUnwindSafe(|| (self.sink)(notice))));
    }

    fn settle(&self) {
        let due = self.flood().due(None);
        due.iter().for_each(|notice| self.tell(notice));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.settle();
    }
}

#[track_caller]
fn here() -> NoticeKind {
    let place = Location::caller();
    NoticeKind(place.file(), place.line(), place.column())
}

impl Default for Notices {
    fn default() -> Self {
        Self::to(|notice| {
            let level = match notice.level {
                NoticeLevel::Warning => "warning",
                NoticeLevel::Recovered => "recovered",
            };
            // In one write, because others write there, too. If standard error is closed, there is nothing to report
            // to.
            drop(std::io::stderr().write_all(format!("auditrail: {level}: {}\n", notice.text).as_bytes()));
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}
