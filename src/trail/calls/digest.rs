//! What stands on a record for bytes and for persons that are not recorded.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::record::Value;

/// A digest that stands for bytes which are not recorded. [`Trail::digest`](crate::Trail::digest) makes one with the key of the
/// trail, so that nobody else can guess the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Digest(Cow<'static, str>);

impl Digest {
    /// SHA-256 without a key, as `sha256:` and 64 hexadecimal digits: for what is public, such as a policy. Anyone who
    /// has a guess can verify it, so do not use it for what people say or own.
    pub fn sha256(bytes: impl AsRef<[u8]>) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(bytes))).into())
    }

    /// A digest of your own making. It is recorded as it is.
    pub fn own(digest: impl Into<Cow<'static, str>>) -> Self {
        Self(digest.into())
    }

    /// The text on the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Digest> for Value {
    fn from(digest: Digest) -> Self {
        Self::Str(digest.0)
    }
}

/// A name for a person whose data are used, which does not tell who that is.
///
/// [`Trail::pseudonym`](crate::Trail::pseudonym) makes one with the key of the trail: a person has one pseudonym in all records
/// of the processes that share `digest.key`. The holder of the key can find out whether a record is about a person whom they know;
/// when the key is destroyed, nobody can. [`Pseudonym::own`] takes one of your own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pseudonym(Cow<'static, str>);

impl Pseudonym {
    /// A pseudonym of your own making. It is recorded as it is: never put a name, an address or the number of an account here.
    pub fn own(pseudonym: impl Into<Cow<'static, str>>) -> Self {
        Self(pseudonym.into())
    }

    /// The text on the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Pseudonym> for Value {
    fn from(pseudonym: Pseudonym) -> Self {
        Self::Str(pseudonym.0)
    }
}
