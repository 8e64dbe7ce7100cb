//! Bodies that pass without being read: counted, and told once a reason.

use std::sync::atomic::{AtomicU64, Ordering};

use super::decode::Undecodable;
use crate::config::Notices;

/// Why a body is not, or no longer, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// Its content coding is not known.
    Coding,
    /// It is not coded as its header says.
    Damaged,
    /// It becomes too large when it is decoded.
    Expands,
    /// The reading of it panicked.
    Panicked,
}

/// How many there were.
#[derive(Debug, Default)]
pub(super) struct UnreadBodies([AtomicU64; 4]);

impl UnreadBodies {
    pub(super) fn count(&self, notices: &Notices, why: Unread) {
        let Some(count) = self.0.get(why as usize) else { return };
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            notices.warn(why.told());
        }
    }

    pub(super) fn of(&self, why: Unread) -> u64 {
        self.0.get(why as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

impl Unread {
    const fn told(self) -> &'static str {
        match self {
            Self::Coding => {
                "an HTTP body has a Content-Encoding that is not read (gzip, deflate and br are): calls in such bodies \
                 are recorded without their answers; put auditrail's layer below the one that compresses"
            }
            Self::Damaged => {
                "an HTTP body is not coded as its Content-Encoding says: what follows in it is relayed, and not recorded"
            }
            Self::Expands => {
                "an HTTP body becomes too large when it is decompressed: what follows in it is relayed, and not recorded"
            }
            Self::Panicked => {
                "reading an HTTP body failed by a mistake in auditrail: what follows in it is relayed, and not recorded; \
                 please report it"
            }
        }
    }
}

impl From<Undecodable> for Unread {
    fn from(why: Undecodable) -> Self {
        match why {
            Undecodable::Unknown => Self::Coding,
            Undecodable::Damaged => Self::Damaged,
            Undecodable::Expands => Self::Expands,
        }
    }
}
