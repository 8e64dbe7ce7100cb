//! Arguments and results of calls, as far as records may speak of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::hex::hex;

/// A part of a call that is content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentPart {
    Arguments,
    Result,
}

/// Arguments or a result, on their way to the record.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) part: ContentPart,
    pub(crate) form: DigestForm,
    pub(crate) body: ContentBody,
    /// How many blocks, messages or contents a result has.
    pub(crate) count: Option<u64>,
}

/// What is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DigestForm {
    /// The canonical form (RFC 8785).
    Jcs,
    /// The bytes on the wire.
    Raw,
}

/// Bytes in that form.
#[derive(Clone)]
pub(crate) enum ContentBody {
    Held(Vec<u8>),
    /// They were too many to be held: their digest, and how many they were.
    Passed {
        digest: [u8; 32],
        bytes: u64,
    },
}

/// The keys of the digests of content, and whether anybody wants content to be read.
#[derive(Debug)]
pub(crate) struct ContentKeys {
    arguments: Hmac<Sha256>,
    result: Hmac<Sha256>,
    /// For hashes of redacted values.
    #[cfg_attr(not(feature = "redaction"), allow(dead_code, reason = "nothing is redacted without it"))]
    redacted: Hmac<Sha256>,
    key_id: String,
    is_wanted: Arc<AtomicBool>,
}

impl DigestForm {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Jcs => "jcs",
            Self::Raw => "raw",
        }
    }
}

impl Content {
    /// The bytes in its form.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.body {
            ContentBody::Held(bytes) => bytes.len() as u64,
            ContentBody::Passed { bytes, .. } => *bytes,
        }
    }
}

/// It may be a secret.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("part", &self.part).field("form", &self.form).finish_non_exhaustive()
    }
}

impl ContentKeys {
    /// Of the keys for arguments, results and hashes of redacted values.
    pub(crate) fn new(
        [arguments, result, redacted]: [Hmac<Sha256>; 3],
        key_id: String,
        is_wanted: Arc<AtomicBool>,
    ) -> Self {
        Self { arguments, result, redacted, key_id, is_wanted }
    }

    /// Whether arguments and results are to be read.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// The hash of a value of that class in content, as a record has it.
    #[cfg(feature = "redaction")]
    pub(crate) fn hash(&self, class: &str, value: &[u8]) -> String {
        let mac = self.redacted.clone().chain_update(class).chain_update([0]).chain_update(value);
        format!("{}:{}", self.key_id, hex(&mac.finalize().into_bytes()))
    }

    /// The key of the digests of that part.
    pub(crate) fn key(&self, part: ContentPart) -> &Hmac<Sha256> {
        match part {
            ContentPart::Arguments => &self.arguments,
            ContentPart::Result => &self.result,
        }
    }

    /// The digest as a record has it: the id of the key, a colon, and HMAC-SHA256.
    pub(crate) fn digest(&self, content: &Content) -> String {
        let digest = match &content.body {
            ContentBody::Held(bytes) => {
                hex(&self.key(content.part).clone().chain_update(bytes).finalize().into_bytes())
            }
            ContentBody::Passed { digest, .. } => hex(digest),
        };
        format!("{}:{digest}", self.key_id)
    }
}

/// The most bytes of arguments or of a result that a tap holds, and that a record has: more than nearly all arguments have, and
/// little for each body that is being read.
pub(crate) const MAX_CONTENT: usize = 64 * 1024;
