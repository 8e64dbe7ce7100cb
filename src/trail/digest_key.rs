//! The key of keyed digests: random, kept beside the journal, made once and read by every later process.
//!
//! Invariants:
//! 1. Nobody uses a key that another process does not find: it is durable before it is given out, and it is made under the
//!    lock of its file.
//! 2. A file of another length is never a key. One that is too short was not finished, so nobody has used it.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::journal::{FIX, File, Fs, JournalError, LOCK_PATIENCE};
use crate::record::Entropy;

/// 32 random bytes that never leave the process.
#[derive(Clone)]
pub struct DigestKey([u8; 32]);

/// What a keyed digest is made of. Each class has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "mcp"), allow(dead_code, reason = "some are made of messages"))]
pub enum DigestClass {
    /// `auditrail.arguments.digest`.
    Arguments,
    /// `auditrail.result.digest`.
    Result,
    /// What `Trail::digest` is given, and ids of tokens: extractors and code that records the use of a token name it alike.
    Content,
    /// The persons of `Trail::pseudonym`.
    Subject,
    /// Values that were too long: `auditrail.truncated.digests`.
    Truncated,
    /// `auditrail.mcp.request_state.issued` and `.received`.
    RequestState,
    /// Values that redaction hashes: the name of the hash, a zero byte, and the value.
    Redacted,
}

#[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "the command line names them"))]
impl DigestClass {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Arguments,
        Self::Result,
        Self::Content,
        Self::Subject,
        Self::Truncated,
        Self::RequestState,
        Self::Redacted,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arguments => "arguments",
            Self::Result => "result",
            Self::Content => "content",
            Self::Subject => "subject",
            Self::Truncated => "truncated",
            Self::RequestState => "request-state",
            Self::Redacted => "redacted",
        }
    }

    /// What its key is derived from. The number is that of the way in which the bytes are made.
    const fn label(self) -> &'static str {
        match self {
            Self::Arguments => "auditrail arguments 1",
            Self::Result => "auditrail result 2",
            Self::Content => "auditrail content 1",
            Self::Subject => "auditrail data subject 1",
            Self::Truncated => "auditrail truncated 1",
            Self::RequestState => "auditrail request state 1",
            Self::Redacted => "auditrail redacted 1",
        }
    }
}

impl DigestKey {
    /// The key in that file, which is made, with mode 0600, if it is not there.
    ///
    /// # Errors
    /// [`JournalError`], if it can be neither read nor made, or if the file is longer than a key.
    pub(super) fn of_file(fs: &dyn Fs, entropy: &dyn Entropy, path: &Path) -> Result<Self, JournalError> {
        let failed = |what| JournalError::io(what, path, FIX);
        let file = fs.open_or_create(path).map_err(failed("open the key"))?;
        if !file.lock_within(LOCK_PATIENCE).map_err(failed("lock the key"))? {
            return Err(JournalError::Locked { path: path.to_owned(), patience: LOCK_PATIENCE });
        }
        let mut key = [0; 32];
        let length = file.identity().map_err(failed("read the key"))?.length;
        if length == 32 && file.read_at(0, &mut key).map_err(failed("read the key"))? == 32 {
            return Ok(Self(key));
        }
        if length > 32 {
            let other = std::io::Error::other("the file is no key of auditrail: it is longer than 32 bytes");
            return Err(failed("read the key")(other));
        }
        entropy.fill(&mut key);
        write(&*file, &key).map_err(failed("write the key"))?;
        if let Some(directory) = path.parent() {
            fs.sync_dir(directory).map_err(failed("sync the directory of the key"))?;
        }
        Ok(Self(key))
    }

    /// The key that a file has. `None` if those are not the bytes of one.
    #[cfg(feature = "internals")]
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The digest of some bytes in one piece or several, as records have it: the id of the key, a colon, and HMAC-SHA256.
    #[cfg(feature = "internals")]
    #[must_use]
    pub fn digest(&self, class: DigestClass, pieces: &[&[u8]]) -> String {
        let mut mac = self.key_for(class);
        pieces.iter().for_each(|piece| mac.update(piece));
        format!("{}:{}", self.id(), hex(&mac.finalize().into_bytes()))
    }

    /// The key for one use: no digest that is made for another can stand for one of these.
    pub(crate) fn key_for(&self, class: DigestClass) -> Hmac<Sha256> {
        let mut derive = keyed(&self.0);
        derive.update(class.label().as_bytes());
        keyed(&derive.finalize().into_bytes())
    }

    /// Names the key without telling it: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = Sha256::new().chain_update(b"auditrail key id 1").chain_update(self.0).finalize();
        hex(digest.get(..8).unwrap_or_default())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length: that of a block or less is used as it is.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into())
}

fn write(file: &dyn File, key: &[u8; 32]) -> std::io::Result<()> {
    file.set_length(0)?;
    file.write_at(0, key)?;
    file.sync()
}
