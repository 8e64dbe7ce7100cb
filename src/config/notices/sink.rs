//! What auditrail says about itself: rarely, in one line, never with a value of a record in it.
//!
//! A sink is never called with the lock held: it may itself give a notice.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;
use std::{fmt, thread};

use super::flood::Flood;
use super::notice::{Kind, Notice, NoticeLevel};
use super::plain::plain;
use crate::locks::{Mutex, MutexGuard};

/// Where notices go: standard error, unless the builder was given something else. Never standard output, which belongs
/// to MCP under stdio.
///
/// Of one kind no more than ten are told within a minute, and then how many there were besides: what others can bring about
/// again and again must not fill a log. They are one line each, without control characters.
#[derive(Clone)]
pub struct Notices(Arc<Shared>);

struct Shared {
    sink: Box<dyn Fn(&Notice) + Send + Sync>,
    flood: Mutex<Flood>,
    /// A thread waits for the end of a minute.
    has_teller: AtomicBool,
}

impl Notices {
    /// Notices go to that function, which must not block.
    pub fn to(sink: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { sink: Box::new(sink), flood: Mutex::default(), has_teller: AtomicBool::new(false) }))
    }

    /// Says that something is wrong. The place in the code that says so is its kind.
    #[track_caller]
    pub fn warn(&self, text: impl Into<String>) {
        self.say(here(), NoticeLevel::Warning, text.into());
    }

    /// Says that it is right again.
    #[track_caller]
    pub fn recovered(&self, text: impl Into<String>) {
        self.say(here(), NoticeLevel::Recovered, text.into());
    }

    /// Says that something of that kind is wrong, where one place in the code tells of several.
    pub(crate) fn warn_of(&self, kind: &'static str, text: impl Into<String>) {
        self.say(Kind(kind, 0, 0), NoticeLevel::Warning, text.into());
    }

    /// Says that something of that kind is right again.
    pub(crate) fn recovered_of(&self, kind: &'static str, text: impl Into<String>) {
        self.say(Kind(kind, 0, 1), NoticeLevel::Recovered, text.into());
    }

    /// Says that something is wrong without a look at what was told before, and without a lock.
    pub(crate) fn warn_alone(&self, text: &str) {
        self.0.tell(&Notice { level: NoticeLevel::Warning, text: text.to_owned() });
    }

    /// Says how many notices were held back so far, without waiting for the end of their minutes.
    pub(crate) fn settle(&self) {
        self.0.settle();
    }

    fn say(&self, kind: Kind, level: NoticeLevel, text: String) {
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
                // It is told with the next of its kind then, or at the end.
                self.0.has_teller.store(false, Ordering::Release);
            }
        }
    }
}

/// Waits for the ends of minutes of which something was held back.
fn tell_later(shared: &Weak<Shared>) {
    while let Some(next) = shared.upgrade().and_then(|shared| shared.next_or_none()) {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let Some(shared) = shared.upgrade() else { return };
        let due = shared.flood().due(Some(Instant::now()));
        due.iter().for_each(|notice| shared.tell(notice));
    }
}

impl Shared {
    /// What the teller waits for. Without anything, there is no teller any more.
    fn next_or_none(&self) -> Option<Instant> {
        let flood = self.flood();
        let next = flood.next();
        // Under the lock: whoever holds something back from now on starts another.
        self.has_teller.store(next.is_some(), Ordering::Release);
        next
    }

    fn flood(&self) -> MutexGuard<'_, Flood> {
        self.flood.lock()
    }

    /// A sink that panics (a closed standard error makes `eprintln!` do so) must take neither a call nor the shipper with
    /// it, and there is nobody else to tell.
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
fn here() -> Kind {
    let place = Location::caller();
    Kind(place.file(), place.line(), place.column())
}

impl Default for Notices {
    fn default() -> Self {
        Self::to(|notice| {
            let level = match notice.level {
                NoticeLevel::Warning => "warning",
                NoticeLevel::Recovered => "recovered",
            };
            // In one piece, as others write there, too. A closed standard error leaves nobody to tell.
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
