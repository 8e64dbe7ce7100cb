//! Mistakes in the configuration file, with their positions.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why the configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read.
    #[error("{}: {source}; name a readable configuration file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file contains something that cannot be used.
    #[error("{}:{line}: {}{problem}", path.display(), quoted(key))]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The key in that line, without its value, which may be a secret in the wrong place; empty if it is not a
        /// known key.
        key: String,
        /// The problem, and what would be right.
        problem: String,
    },
}

/// A file that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceFile<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl SourceFile<'_> {
    /// The error for those bytes.
    pub(super) fn mistake(&self, place: Option<Range<usize>>, problem: &str) -> FileError {
        let start = place.map_or(0, |place| place.start).min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let key = self.text.lines().nth(line - 1).map(key).unwrap_or_default().to_owned();
        FileError::Mistake {
            path: self.path.to_owned(),
            line,
            key,
            problem: without_value(problem).replace('\n', "; "),
        }
    }
}

fn quoted(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("`{key}`: ") }
}

/// The known key at the beginning of a line. Other text there may be part of a value of several lines.
fn key(line: &str) -> &str {
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    if KEYS.contains(&key) { key } else { "" }
}

/// serde's text about a value, without the value: its kind, and what would be right.
fn without_value(problem: &str) -> String {
    let kinds = |kind: &str| KINDS.into_iter().find(|known| kind.starts_with(known)).unwrap_or("value");
    for what in ["invalid type: ", "invalid value: "] {
        if let Some((value, expected)) = problem.strip_prefix(what).and_then(|rest| rest.rsplit_once(", expected ")) {
            return format!("{what}{}, expected {expected}", kinds(value));
        }
    }
    match problem.strip_prefix("unknown variant ").and_then(|rest| rest.rsplit_once("`, expected ")) {
        Some((_, expected)) => format!("unknown value, expected {expected}"),
        None => problem.to_owned(),
    }
}

/// serde's names of them.
const KINDS: [&str; 8] =
    ["boolean", "integer", "floating point", "string", "byte array", "map", "sequence", "datetime"];
/// All keys that have a value.
pub(super) const KEYS: [&str; 102] = [
    "acknowledge",
    "actions",
    "address",
    "agent_id",
    "agent_name",
    "alarm",
    "algorithms",
    "api_server",
    "audience",
    "authenticated",
    "bounds",
    "ca",
    "calls",
    "claims",
    "class",
    "client_ca",
    "client_certificate",
    "client_id",
    "client_name",
    "client_type",
    "code",
    "connect_timeout",
    "connections",
    "cool_down",
    "deadline",
    "digests",
    "directory",
    "disabled",
    "drain",
    "endpoint",
    "environment",
    "exclude",
    "export",
    "file",
    "file_keep",
    "file_max_bytes",
    "flush_timeout",
    "forward",
    "forwarded",
    "garbage_per_message",
    "garbage_per_second",
    "headers",
    "health",
    "held_bytes",
    "host",
    "hosts",
    "http",
    "id",
    "inject",
    "issuer",
    "journal",
    "jwks_file",
    "jwks_url",
    "leeway",
    "listen",
    "match",
    "max_bytes",
    "method",
    "methods",
    "name",
    "open_calls",
    "os_user",
    "otlp",
    "prompt",
    "protocol",
    "quarantine_max_bytes",
    "quarantine_when_full",
    "reason",
    "record",
    "refresh",
    "repeated_per_byte",
    "requires_verified_actor",
    "resource",
    "roles",
    "route",
    "service_name",
    "sessions",
    "share",
    "sink",
    "stale",
    "target",
    "tenant",
    "text",
    "timeout",
    "tls_certificate",
    "tls_key",
    "to",
    "token_reviews",
    "token_variable",
    "tool",
    "tool_definitions",
    "trace",
    "trusted",
    "type",
    "types",
    "upstream",
    "upstream_ca",
    "upstream_certificate",
    "upstream_key",
    "user",
    "when_full",
    "without",
];
