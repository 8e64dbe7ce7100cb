//! The names of what is found in text.

use std::fmt;
use std::str::FromStr;

use super::error::{RedactionError, one_of};

/// Finds values of one kind in any text, whatever their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detector {
    /// Tokens of known shape (the rules of gitleaks), credentials after `Bearer` and `Basic`, passwords in URLs.
    Token,
    /// Private keys in PEM, also when the end is missing.
    PrivateKey,
    /// JSON Web Tokens, signed or encrypted.
    Jwt,
    /// Numbers of payment cards, with the right check digit.
    Card,
    /// International bank account numbers, with the right check digits.
    Iban,
    /// E-mail addresses.
    Email,
    /// Telephone numbers: international, and common national forms.
    Phone,
    /// Long strings that look random.
    Entropy,
}

impl Detector {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Token, Self::PrivateKey, Self::Jwt, Self::Card, Self::Iban, Self::Email, Self::Phone, Self::Entropy];

    /// The name in a policy file, and in the mark that stands in the place of what was found.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::PrivateKey => "private-key",
            Self::Jwt => "jwt",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Entropy => "entropy",
        }
    }
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Detector {
    type Err = RedactionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        one_of("detector", text, &Self::ALL, |detector| detector.as_str())
    }
}
