//! HTTP requests that are not MCP: which of them are recorded.

use http::Method;

/// Selects the HTTP requests that are recorded although they are not MCP: those without a JSON-RPC message, to a path
/// on which the server never accepted one. Each is a pair `auditrail.http.request` with method, path and status. The
/// default is [`failures`](Self::failures), on all paths.
///
/// Whatever is selected, MCP itself is recorded, and so is a request that could not be read and that the server
/// accepted: it may have been a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpRecording {
    which: RecordedRequests,
    excluded: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum RecordedRequests {
    #[default]
    Failures,
    All,
    None,
}

impl HttpRecording {
    /// Records requests that were answered with 4xx or 5xx, unless the protocols provide for that answer: a 405 says
    /// that a server has no stream for a GET, or does not let clients end sessions; a 404 says that a document to
    /// discover does not exist.
    #[must_use]
    pub fn failures() -> Self {
        Self::default()
    }

    /// Records all of them.
    #[must_use]
    pub fn all() -> Self {
        Self { which: RecordedRequests::All, excluded: Vec::new() }
    }

    /// Records none of them.
    #[must_use]
    pub fn none() -> Self {
        Self { which: RecordedRequests::None, excluded: Vec::new() }
    }

    /// Excludes requests to `path`, or to all paths with that prefix if it ends with `*`: `/health`, `/metrics*`.
    #[must_use]
    pub fn exclude(mut self, path: impl Into<String>) -> Self {
        self.excluded.push(path.into());
        self
    }

    /// Whether a request to that path is recorded, however it ends.
    pub(crate) fn wants_all_to(&self, path: &str) -> bool {
        self.wants(path, false)
    }

    /// Whether a request to that path is recorded.
    pub(crate) fn wants(&self, path: &str, failed: bool) -> bool {
        let is_wanted = match self.which {
            RecordedRequests::Failures => failed,
            RecordedRequests::All => true,
            RecordedRequests::None => false,
        };
        is_wanted && !self.excluded.iter().any(|pattern| fits(pattern, path))
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |beginning| path.starts_with(beginning))
}

/// Whether it asks for a document that clients look for without knowing that it exists (RFC 8615; RFC 8414 and OpenID
/// Connect put it before and after the path of the issuer).
pub(crate) fn is_discovery(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && path.split('/').any(|segment| segment == ".well-known")
}

/// Whether the protocols provide for that answer to a request beside MCP, so that it is not a failure.
pub(crate) fn is_provided_for(method: &Method, path: &str, status: u16) -> bool {
    matches!(status, 404 | 405) && is_discovery(method, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_recorded_unless_it_is_said_otherwise() {
        let each = |recording: HttpRecording| [recording.wants("/a", true), recording.wants("/a", false)];
        assert_eq!(each(HttpRecording::default()), [true, false]);
        assert_eq!(each(HttpRecording::all()), [true, true]);
        assert_eq!(each(HttpRecording::none()), [false, false]);
    }

    #[test]
    fn excluded_paths_are_exact_or_begin_so() {
        let recording = HttpRecording::all().exclude("/health").exclude("/metrics*");
        let wanted = |path| recording.wants(path, true);
        assert_eq!(["/health", "/metrics", "/metrics/a"].map(wanted), [false; 3]);
        assert_eq!(["/health/", "/healthz", "/Health", "/a/metrics"].map(wanted), [true; 4]);
    }

    #[test]
    fn discovery_is_before_or_behind_the_issuer() {
        for path in
            ["/.well-known/oauth-protected-resource/mcp", "/tenant/.well-known/openid-configuration", "/.well-known"]
        {
            assert!(is_discovery(&Method::GET, path), "{path}");
        }
        assert!(!is_discovery(&Method::POST, "/.well-known/a") && !is_discovery(&Method::GET, "/a.well-known/b"));
    }
}
