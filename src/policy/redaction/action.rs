//! What is done to a value.

use std::fmt;
use std::str::FromStr;

use super::error::{RedactionError, one_of};

/// What is done to a value that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The value is removed, with its key. By a detector: the whole value in which it finds something.
    Drop,
    /// A mark stands in its place.
    Mask,
    /// A keyed hash stands in its place.
    Hash,
    /// A pseudonym stands in its place, one per tenant and class.
    Pseudonymise,
    /// The encrypted value stands in its place, for those who have the subject's key.
    Encrypt,
    /// Nothing: the value may be read, with all that is in it.
    Keep,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Drop, Self::Mask, Self::Hash, Self::Pseudonymise, Self::Encrypt, Self::Keep];

    /// The name in a policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Mask => "mask",
            Self::Hash => "hash",
            Self::Pseudonymise => "pseudonymise",
            Self::Encrypt => "encrypt",
            Self::Keep => "keep",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = RedactionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        one_of("action", text, &Self::ALL, |action| action.as_str())
    }
}
