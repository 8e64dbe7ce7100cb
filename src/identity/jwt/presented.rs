//! Finds the token that a request presents.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::compact::MOST_BYTES;
use crate::identity::actor::UnverifiedReason;

/// The token of the `Authorization` header. `None` if there is none, or a credential of another scheme. `DPoP` (RFC 9449) is the
/// scheme of tokens that are bound to a key, whose proof is for the server to check.
pub(super) fn token(headers: &HeaderMap) -> Option<Result<&str, UnverifiedReason>> {
    let mut found = None;
    for value in headers.get_all(AUTHORIZATION) {
        let Some(credential) = bearer(value.as_bytes()) else { continue };
        if found.is_some() {
            return Some(Err(UnverifiedReason::Several));
        }
        found = Some(credential);
    }
    let found = found?;
    if headers.get_all(AUTHORIZATION).iter().count() > 1 {
        return Some(Err(UnverifiedReason::Several));
    }
    Some(checked(found))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let at = value.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(at)?;
    ["bearer", "dpop"].iter().any(|known| scheme.eq_ignore_ascii_case(known.as_bytes())).then(|| rest.trim_ascii())
}

/// A header with a comma or a space in its credential has two of them, as some servers join repeated headers.
pub(super) fn checked(credential: &[u8]) -> Result<&str, UnverifiedReason> {
    if credential.iter().any(|byte| b", ".contains(byte)) {
        return Err(UnverifiedReason::Several);
    }
    let text = std::str::from_utf8(credential).map_err(|_| UnverifiedReason::Malformed)?;
    if text.is_empty() || text.len() > MOST_BYTES { Err(UnverifiedReason::Malformed) } else { Ok(text) }
}
