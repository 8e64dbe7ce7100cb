//! Bodies that pass unread: each is counted, and each reason gives one notice.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decode::Undecodable;
use crate::capture::mcp::correlate::Correlator;
use crate::trail::{Core, WireCounter};

/// Why a body, or the rest of it, is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadReason {
    /// Its content coding is not known.
    Coding,
    /// It does not have the coding that its header declares.
    Damaged,
    /// It becomes too large when it is decoded.
    Expands,
    /// Reading it panicked.
    Panicked,
    /// It is in a charset that is not read.
    Charset,
}

impl UnreadReason {
    /// The name in a record (`auditrail.message.flaw`).
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

/// Which of them were reported.
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
                "an HTTP body has an unsupported Content-Encoding (supported are gzip, deflate, br and zstd, up to three layers): \
                 calls in such bodies are recorded without their answers; put auditrail's layer below the one that compresses"
            }
            Self::Damaged => {
                "an HTTP body does not have the Content-Encoding that its header declares: the rest of it is forwarded and not \
                 recorded; correct the header, or remove what changes the body on the way"
            }
            Self::Expands => {
                "an HTTP body becomes more than a hundred times larger when it is decompressed: the rest of it is forwarded and \
                 not recorded; find out who sends it"
            }
            Self::Panicked => {
                "reading an HTTP body failed because of a bug in auditrail: the rest of it is forwarded and not recorded; \
                 please report it"
            }
            Self::Charset => {
                "an HTTP body declares a charset other than UTF-8, which JSON does not allow: servers read it differently, and its \
                 calls are recorded as unreadable; configure clients to send UTF-8"
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
