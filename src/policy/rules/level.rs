//! How much of a call is kept.

use std::str::FromStr;

/// How much of a call is on its records. Each level has what the one before it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Level {
    /// Nothing: there are no records.
    None,
    /// Who called what, when, and how it ended; of content, digests and sizes.
    #[default]
    Metadata,
    /// The arguments as well, after redaction.
    Arguments,
    /// The arguments and the results, after redaction.
    Full,
}

/// Which records of a call are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Halves {
    /// Only the record of the response.
    Response,
    /// The record of the request and the one of the response.
    #[default]
    Both,
}

impl Level {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::None, Self::Metadata, Self::Arguments, Self::Full];

    /// As in a policy file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Metadata => "metadata",
            Self::Arguments => "arguments",
            Self::Full => "full",
        }
    }
}

impl Halves {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Both, Self::Response];

    /// As in a policy file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Response => "response",
        }
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|level| level.as_str() == text).ok_or(())
    }
}

impl FromStr for Halves {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|halves| halves.as_str() == text).ok_or(())
    }
}
