//! Addresses that keys may be loaded from.

use std::net::IpAddr;

use http::Uri;

/// An address by `https://`, or by `http://` on this machine.
///
/// # Errors
/// Why it is not used.
pub(in crate::identity::jwt) fn checked_address(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim().parse().map_err(|_| "it is not a URL")?;
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err("it has no host");
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("it has a user or password in it");
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_loopback(host) => Ok(uri),
        Some("http") => {
            Err("http:// is only for this machine, because whoever is in between could exchange the keys; use https://")
        }
        _ => Err("it is neither https:// nor http://"),
    }
}

/// Without its query, which may be a secret.
pub(super) fn shown(uri: &Uri) -> String {
    uri.to_string().split('?').next().unwrap_or_default().to_owned()
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}
