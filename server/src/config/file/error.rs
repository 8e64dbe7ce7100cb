//! Mistakes in the configuration file, with their positions.

use std::io;
use std::path::PathBuf;

use auditrail::policy::file::{Mistake, PolicyFileError};

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
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// The policy file that it names cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
}

/// All keys that have a value, apart from those of the policy.
pub(super) const KEYS: &[&str] = &[
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
    "client_ca",
    "client_certificate",
    "client_id",
    "client_name",
    "client_type",
    "code",
    "connect_timeout",
    "connections",
    "cool_down",
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
    "max_bytes",
    "method",
    "methods",
    "name",
    "open_calls",
    "os_user",
    "otlp",
    "policy",
    "prompt",
    "protocol",
    "quarantine_max_bytes",
    "quarantine_when_full",
    "reason",
    "record",
    "refresh",
    "repeated_per_byte",
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
    "without",
];
