//! JSON Web Tokens (RFC 7519): three or five parts in base64url, the first a JSON object.

use super::scan::Scan;
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Exhausted;

/// The token that begins with the keyword at that place of a run, if there is one.
pub(super) fn find(run: &[u8], start: usize, at: usize, scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    let before = at.checked_sub(1).and_then(|before| run.get(before));
    if before.copied().is_some_and(is_of_part) {
        return Ok(());
    }
    let token = run.get(at..).unwrap_or_default();
    let end = token.iter().position(|byte| !is_of_part(*byte) && *byte != b'.').unwrap_or(token.len());
    // A run can be full of what only begins as a token.
    scan.work.spend(end)?;
    let mut parts = token.get(..end).unwrap_or_default().split(|byte| *byte == b'.');
    let (header, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // The keyword is case-insensitive, as all are; base64 is not. The second part of an encrypted token may be empty.
    let is_token = header.starts_with(KEYWORD.as_bytes()) && header.len() >= SHORTEST_HEADER && parts.next().is_some();
    if is_token && (body.is_empty() || body.len() >= SHORTEST_BODY) {
        scan.add(Detector::Jwt, start + at, start + at + end);
    }
    Ok(())
}

fn is_of_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// `{"` in base64.
pub(super) const KEYWORD: &str = "eyJ";
/// `{"alg":"none"}` has 19 characters.
const SHORTEST_HEADER: usize = 12;
/// `{"a":1}` has ten.
const SHORTEST_BODY: usize = 4;
