//! What auditrail says about itself: rarely, in one line, never with a value of a record in it.

use std::fmt;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Something is wrong and somebody should act.
    Warning,
    /// What was wrong is right again.
    Recovered,
}

/// One line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub level: NoticeLevel,
    /// What happened, where, and what to do.
    pub text: String,
}

/// Where notices go: standard error, unless the builder was given something else. Never standard output, which belongs
/// to MCP under stdio.
#[derive(Clone)]
pub struct Notices(Arc<dyn Fn(&Notice) + Send + Sync>);

impl Notices {
    /// Notices go to that function, which must not block.
    pub fn to(sink: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Says that something is wrong.
    pub fn warn(&self, text: impl Into<String>) {
        self.say(NoticeLevel::Warning, text.into());
    }

    /// Says that it is right again.
    pub fn recovered(&self, text: impl Into<String>) {
        self.say(NoticeLevel::Recovered, text.into());
    }

    /// A sink that panics (a closed standard error makes `eprintln!` do so) must take neither a call nor the shipper with
    /// it, and there is nobody else to tell.
    fn say(&self, level: NoticeLevel, text: String) {
        drop(catch_unwind(AssertUnwindSafe(|| (self.0)(&Notice { level, text }))));
    }
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

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}
