//! Bodies that pass unread: each is counted, and each reason gives one notice.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decode::Undecodable;
use crate::capture::mcp::correlate::Correlator;
use crate::trail::{Core, WireCounter};

/// Why a body is not, or no longer, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadReason {
    /// Its content coding is not known.
    Coding,
    /// It is not coded as its header says.
    Damaged,
    /// It becomes too large when it is decoded.
    Expands,
    /// The reading of it panicked.
    Panicked,
    /// It is in another charset than those that are read.
    Charset,
}

impl UnreadReason {
    /// As it stands in a record (`auditrail.message.flaw`).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Coding => "unknown_coding",
            Self::Damaged => "damaged_coding",
            Self::Expands => "expands",
            Self::Panicked => "internal",
            Self::Charset => "charset",
        }
    }
}

/// What was told of them.
#[derive(Debug, Default)]
pub(crate) struct UnreadCounts([AtomicBool; 5]);

impl UnreadCounts {
    pub(crate) fn count(&self, core: &Core, correlator: &Correlator, why: UnreadReason) {
        correlator.count(WireCounter::Unread);
        let told = self.0.get(why as usize).is_none_or(|told| told.swap(true, Ordering::Relaxed));
        if !told {
            core.notices().warn_of(why.as_str(), why.told());
        }
    }
}

impl UnreadReason {
    const fn told(self) -> &'static str {
        match self {
            Self::Coding => {
                "an HTTP body has a Content-Encoding that is not read (gzip, deflate, br and zstd are, at most three upon each \
                 other): calls in such bodies \
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
            Self::Charset => {
                "an HTTP body says that it is in another charset than UTF-8, which JSON is not: servers differ in what they make \
                 of it, and its calls are recorded as unreadable; have clients send UTF-8"
            }
        }
    }
}

impl From<Undecodable> for UnreadReason {
    fn from(why: Undecodable) -> Self {
        match why {
            Undecodable::Unknown => Self::Coding,
            Undecodable::Damaged => Self::Damaged,
            Undecodable::Expands => Self::Expands,
        }
    }
}
