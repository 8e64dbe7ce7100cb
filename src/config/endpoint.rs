//! How an endpoint is shown in messages.

use http::Uri;

/// Without the query, which may contain a secret.
pub(super) fn shown(endpoint: &Uri) -> String {
    let whole = endpoint.to_string();
    match whole.split_once('?') {
        Some((before, _)) => format!("{before}?(hidden)"),
        None => whole,
    }
}
