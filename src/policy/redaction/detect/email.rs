//! E-mail addresses, and passwords in URLs: both have an `@`.

use super::scan::Scan;
use crate::policy::redaction::detector::Detector;

/// Addresses, and credentials before the host of a URL.
pub(super) fn find(text: &[u8], scan: &mut Scan<'_>) {
    // Addresses do not overlap, so what is before the last `@` is not looked at again.
    let mut from = 0;
    for at in memchr::memchr_iter(b'@', text) {
        let before = text.get(from.max(at.saturating_sub(LONGEST))..at).unwrap_or_default();
        let after = text.get(at + 1..(at + 1 + LONGEST).min(text.len())).unwrap_or_default();
        from = at + 1;
        if let Some(length) = credentials(before) {
            scan.add(Detector::Token, at - length, at);
            continue;
        }
        if let (Some(local), Some(domain)) = (local(before), domain(after)) {
            scan.add(Detector::Email, at - local, at + 1 + domain);
        }
    }
}

/// The length of `user:password` behind `://`.
fn credentials(before: &[u8]) -> Option<usize> {
    let authority = memchr::memmem::rfind(before, b"://")? + 3;
    let part = before.get(authority..)?;
    let is_one =
        !part.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\''));
    (is_one && part.contains(&b':') && !part.ends_with(b":")).then_some(part.len())
}

/// The length of the local part that ends there.
fn local(before: &[u8]) -> Option<usize> {
    let length = before.iter().rev().take_while(|byte| is_local(**byte)).count();
    let part = before.get(before.len() - length..)?;
    let dots = part.iter().take_while(|byte| matches!(byte, b'.' | b'-' | b'+' | b'\'' | b'*')).count();
    (length > dots && length - dots <= 64 && !part.ends_with(b".")).then_some(length - dots)
}

/// The length of the domain that begins there.
fn domain(after: &[u8]) -> Option<usize> {
    let length = after.iter().take_while(|byte| is_domain(**byte)).count();
    let mut part = after.get(..length)?;
    // A full stop at the end of a sentence is no part of it.
    while let [rest @ .., b'.' | b'-'] = part {
        part = rest;
    }
    let dot = part.iter().rposition(|byte| *byte == b'.')?;
    let top = part.get(dot + 1..)?;
    let is_top = top.len() >= 2
        && (top.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80) || top.starts_with(b"xn--"));
    (dot > 0 && is_top && !part.starts_with(b"-")).then_some(part.len())
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'*' | b'!' | b'$' | b'~')
        || byte >= 0x80
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || byte >= 0x80
}

/// Of an address (RFC 5321: 254), and of the credentials of a URL.
const LONGEST: usize = 256;
