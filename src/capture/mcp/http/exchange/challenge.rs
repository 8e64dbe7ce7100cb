//! Reads `WWW-Authenticate` (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9728, section 5.1).
//!
//! Invariants:
//! 1. What is kept are names of a list (schemes, error codes), scopes, and whether `resource_metadata` is there. Any other text
//!    of a server may be a credential, a name or an address: it is skipped.
//! 2. Time and memory are bounded by [`MOST_FIELDS`], [`MOST_BYTES`] and [`MOST_CHALLENGES`], whatever the server sends.

#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use crate::record::error_type;

/// The challenges of a response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenges(Vec<Challenge>);

/// One challenge.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    scheme: &'static str,
    error: Option<&'static str>,
    scopes: Vec<String>,
    has_resource_metadata: bool,
}

impl Challenges {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for value in headers.get_all(WWW_AUTHENTICATE).iter().take(MOST_FIELDS) {
            let bytes = value.as_bytes();
            found.read(Cursor(bytes.get(..MOST_BYTES).unwrap_or(bytes)));
        }
        found
    }

    /// The class of the error that the first challenge with one names.
    pub(super) fn error(&self) -> Option<&'static str> {
        self.0.iter().find_map(|challenge| challenge.error)
    }

    /// `auditrail.authn.challenge`, such as `Bearer error=invalid_token scope="files:read" resource_metadata`.
    pub(super) fn shown(&self) -> Option<String> {
        let shown: Vec<_> = self.0.iter().map(Challenge::shown).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    }

    fn read(&mut self, mut rest: Cursor<'_>) {
        loop {
            rest.skip(|byte| matches!(byte, b',' | b' ' | b'\t'));
            let name = rest.take(is_token);
            if name.is_empty() {
                match rest.next() {
                    // Not a place for that: whatever it is ends at the next comma.
                    Some(_) => rest.skip(|byte| byte != b','),
                    None => return,
                }
                continue;
            }
            match rest.value() {
                // One before all schemes is a parameter of none.
                Some(value) => self.0.last_mut().into_iter().for_each(|challenge| challenge.learn(name, &value)),
                None if self.0.len() >= MOST_CHALLENGES => return,
                None => {
                    self.0.push(Challenge { scheme: known(name, &SCHEMES), ..Challenge::default() });
                    rest.skip_token68();
                }
            }
        }
    }
}

impl Challenge {
    fn learn(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"error") {
            // `known` yields the name of the list, in which all are classes of errors.
            self.error.get_or_insert(known(value, &ERRORS));
        } else if name.eq_ignore_ascii_case(b"scope") {
            let scopes = value.split(|byte| *byte == b' ').filter(|scope| is_scope(scope)).take(MOST_SCOPES);
            self.scopes = scopes.map(|scope| String::from_utf8_lossy(scope).into_owned()).collect();
        } else if name.eq_ignore_ascii_case(b"resource_metadata") {
            self.has_resource_metadata = true;
        }
    }

    fn shown(&self) -> String {
        let mut shown = self.scheme.to_owned();
        if let Some(error) = self.error {
            shown += " error=";
            shown += error;
        }
        if !self.scopes.is_empty() {
            shown += &format!(" scope=\"{}\"", self.scopes.join(" "));
        }
        if self.has_resource_metadata {
            shown += " resource_metadata";
        }
        shown
    }
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().position(|byte| !wanted(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, unwanted: impl Fn(u8) -> bool) {
        let _skipped = self.take(unwanted);
    }

    /// The value of a parameter whose name was read; `None` if what was read is not the name of one.
    fn value(&mut self) -> Option<Vec<u8>> {
        let mut after = Cursor(self.0);
        after.skip(is_space);
        if after.next() != Some(b'=') {
            return None;
        }
        after.skip(is_space);
        let value = match after.peek() {
            Some(b'"') => after.quoted(),
            _ => after.take(|byte| !is_space(byte) && byte != b',').to_vec(),
        };
        self.0 = after.0;
        Some(value)
    }

    fn quoted(&mut self) -> Vec<u8> {
        let (mut text, _quote) = (Vec::new(), self.next());
        while let Some(byte) = self.next() {
            match byte {
                b'"' => break,
                b'\\' => text.extend(self.next()),
                _ => text.push(byte),
            }
        }
        text
    }

    /// Skips the credentials-like text that some schemes have in place of parameters, such as `Negotiate oYIC…=`.
    fn skip_token68(&mut self) {
        let mut after = Cursor(self.0);
        after.skip(is_space);
        let is_there = !after.take(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)).is_empty();
        after.skip(|byte| byte == b'=');
        after.skip(is_space);
        if is_there && matches!(after.peek(), None | Some(b',')) {
            self.0 = after.0;
        }
    }
}

/// The name of the list, or [`error_type::OTHER`].
fn known(name: &[u8], list: &[&'static str]) -> &'static str {
    list.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(name)).copied().unwrap_or(error_type::OTHER)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A `scope-token` of RFC 6749, section 3.3, of a length that people choose. Nobody names a permission like a JWT.
fn is_scope(scope: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST_SCOPE).contains(&scope.len()) && scope.iter().all(is_plain) && !scope.starts_with(b"eyJ")
}

/// IANA's registry of schemes, and what Windows servers use.
const SCHEMES: [&str; 15] = [
    "Basic",
    "Bearer",
    "Concealed",
    "Digest",
    "DPoP",
    "GNAP",
    "HOBA",
    "Mutual",
    "Negotiate",
    "NTLM",
    "OAuth",
    "PrivateToken",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "vapid",
];
/// RFC 6750, section 3.1; RFC 9449, sections 7.1 and 9; RFC 9470, section 3.
const ERRORS: [&str; 6] = [
    error_type::INVALID_REQUEST,
    error_type::INVALID_TOKEN,
    error_type::INSUFFICIENT_SCOPE,
    error_type::INSUFFICIENT_USER_AUTHENTICATION,
    error_type::INVALID_DPOP_PROOF,
    error_type::USE_DPOP_NONCE,
];
/// Servers send one field, or one for each scheme.
const MOST_FIELDS: usize = 8;
/// Of one field: half of what common servers accept as a whole head.
const MOST_BYTES: usize = 4096;
const MOST_CHALLENGES: usize = 8;
const MOST_SCOPES: usize = 16;
const LONGEST_SCOPE: usize = 64;
