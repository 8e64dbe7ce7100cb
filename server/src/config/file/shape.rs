//! The structure of the configuration file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use auditrail::config::{JournalWithout, QuarantineFull, Settings};
use auditrail::policy::Policy;
use auditrail::policy::file::{ClassSettings, FileDuration, RedactSettings, RuleSettings};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::certificates::{ClientCertificateUse, ClientHolder, ClientNameKind};
use super::denied::DeniedSettings;
use super::jwt::{JwtSettings, KubernetesSettings};
use super::sink::{DisabledName, SinkFileSettings};
use super::target::TargetSettings;
use super::value::{Address, HeaderField, Network, PathPattern, Share};

/// A configuration file.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    /// `service.name` of the records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// `AUDITRAIL_DISABLED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<DisabledName>,
    /// A file with the policy, instead of the tables in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Spanned<PathBuf>>,
    /// Where records go.
    pub sink: SinkFileSettings,
    /// The journal, in which records wait for the collector.
    pub journal: JournalSettings,
    /// The collector.
    pub otlp: OtlpFileSettings,
    /// The actor.
    pub identity: IdentitySettings,
    /// Traces.
    pub trace: TraceSettings,
    /// Servers over standard input and output.
    pub stdio: StdioSettings,
    /// What records have in addition.
    pub record: RecordSettings,
    /// HTTP requests that are recorded although they are not MCP.
    pub http: HttpFileSettings,
    /// Limits of what clients may cost.
    pub bounds: BoundsSettings,
    /// Listeners, and the servers behind them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listener: Vec<ListenerSettings>,
    /// What tools, prompts, resources and routes act on; the first that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<Spanned<TargetSettings>>,
    /// The rules of the policy; the first that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<Spanned<RuleSettings>>,
    /// The rules that recognize denials in the errors of servers; the first that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<DeniedSettings>,
    /// The classes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub class: BTreeMap<String, ClassSettings>,
    /// What is done to content before it is recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<Spanned<RedactSettings>>,
    /// What they say together, or the policy's file does.
    #[serde(skip)]
    pub(super) decides: Policy,
}

/// `[journal]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSettings {
    /// `AUDITRAIL_DIR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// `AUDITRAIL_JOURNAL_MAX_BYTES`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// `AUDITRAIL_FLUSH_TIMEOUT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flush_timeout: Option<FileDuration>,
    /// `AUDITRAIL_JOURNAL_WITHOUT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<Vec<String>>,
    /// `AUDITRAIL_QUARANTINE_MAX_BYTES`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine_max_bytes: Option<u64>,
    /// `AUDITRAIL_QUARANTINE_WHEN_FULL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine_when_full: Option<QuarantineFullName>,
}

/// As [`QuarantineFull`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum QuarantineFullName {
    Shed,
    Refuse,
}

/// `[otlp]`. Headers are secrets, so they come from the environment.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpFileSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// `[identity]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySettings {
    /// For stdio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<ProcessIdentity>,
    /// For stdio: the operating system's user that the proxy runs as.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub os_user: bool,
    /// For HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<HeaderIdentity>,
    /// The networks of the trusted proxies in front of this one, such as `10.0.0.0/8`. Only their headers count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<Network>,
    /// The header to which they append the client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressHeader>,
    /// Issuers of JSON Web Tokens, for HTTP, and for stdio with `token_variable`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jwt: Vec<JwtSettings>,
    /// For stdio: the environment variable that has a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_variable: Option<String>,
    /// For HTTP: service accounts of a Kubernetes cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesSettings>,
    /// When it is an alarm that actors are not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<UnverifiedAlarmSettings>,
}

/// As [`UnverifiedAlarm`](auditrail::identity::UnverifiedAlarm), which has the defaults.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnverifiedAlarmSettings {
    /// More than this share of calls is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Of so many calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<std::num::NonZeroU32>,
}

/// Names of environment variables that name the user of a server over stdio; the identity is asserted.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessIdentity {
    /// `audit.actor.id`.
    pub user: String,
    /// `user.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `auditrail.tenant.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// Names of headers in which trusted hops name the sender of a request.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderIdentity {
    /// `audit.actor.id`.
    pub user: HeaderField,
    /// `user.roles`, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<HeaderField>,
    /// `auditrail.tenant.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<HeaderField>,
    /// The hops authenticate clients and remove these headers from their requests, so the identity is verified.
    #[serde(default)]
    pub authenticated: bool,
}

/// A header with addresses of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

/// `[trace]`.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSettings {
    /// Exports calls as spans to the collector of the records. On, unless `OTEL_TRACES_EXPORTER` disables it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<bool>,
    /// Writes these spans into requests as their parents. Off: servers see what clients send.
    pub inject: bool,
}

/// `[stdio]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StdioSettings {
    /// How many bytes of a message are held if its call may be refused, or is joined to its span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_bytes: Option<usize>,
}

/// `[record]`.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSettings {
    /// The definitions of tools, on the records of new ones.
    pub tool_definitions: bool,
    /// `AUDITRAIL_RECORD_DIGESTS`: digests and sizes of arguments and results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests: Option<bool>,
}

/// `[bounds]`: as [`Bounds`](auditrail::policy::Bounds), which has the defaults.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoundsSettings {
    /// How many separate records one message can have for anything in it that is not a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub garbage_per_message: Option<u32>,
    /// How many such records one connection can have per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub garbage_per_second: Option<u32>,
    /// How often each received byte may be repeated on records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_per_byte: Option<u64>,
    /// How many bytes of HTTP bodies are held, for all clients together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_bytes: Option<u64>,
    /// How many HTTP sessions can be open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<usize>,
    /// How many calls over HTTP can be open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_calls: Option<u64>,
}

/// `[http]`: HTTP requests that are not MCP.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpFileSettings {
    /// Which of them are recorded.
    pub record: HttpRecordName,
    /// Paths that are not recorded: exact, or a prefix and `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<PathPattern>,
    /// How many connections of clients there can be, over all listeners, and as many to servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
}

/// As [`HttpRecording`](auditrail::capture::mcp::HttpRecording).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum HttpRecordName {
    #[default]
    Failures,
    All,
    None,
}

/// `[[listener]]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerSettings {
    /// The address that clients connect to.
    pub listen: Spanned<Address>,
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Each request goes to the server that it names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// Which `Host` the server gets.
    #[serde(default)]
    pub host: HostName,
    /// The host names that clients may use if the server gets its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Tells the server the client's address, host and scheme.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// The listener's own certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of that certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// The authorities that must have signed certificates of clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// Whether clients need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificateUse>,
    /// Which name in it is the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<ClientNameKind>,
    /// What its holder is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_type: Option<ClientHolder>,
    /// The authorities that must have signed the server's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_ca: Option<PathBuf>,
    /// The certificate that is shown to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_certificate: Option<PathBuf>,
    /// The private key of that certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_key: Option<PathBuf>,
    /// Where `/livez` and `/readyz` are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Address>,
    /// How long open exchanges may continue at shutdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<FileDuration>,
    /// The timeout for connecting to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<FileDuration>,
    /// How many bytes of a body are held if its calls may be refused, or are joined to their spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_bytes: Option<u64>,
}

/// Whose name is in the `Host` of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HostName {
    /// The client's.
    #[default]
    Client,
    /// The server's own.
    Upstream,
}

impl ListenerSettings {
    /// Creates the listener of command line arguments.
    #[must_use]
    pub fn new(listen: SocketAddr, upstream: Option<String>, forward: bool) -> Self {
        Self {
            listen: Spanned::new(0..0, Address(listen)),
            upstream,
            forward,
            host: HostName::default(),
            hosts: Vec::new(),
            forwarded: false,
            tls_certificate: None,
            tls_key: None,
            client_ca: None,
            client_certificate: None,
            client_name: None,
            client_type: None,
            upstream_ca: None,
            upstream_certificate: None,
            upstream_key: None,
            health: None,
            drain: None,
            connect_timeout: None,
            held_bytes: None,
        }
    }

    /// Whether it says anything about certificates of clients, apart from who signs them.
    pub(super) fn asks_clients(&self) -> bool {
        self.client_certificate.is_some() || self.client_name.is_some() || self.client_type.is_some()
    }
}

impl JournalSettings {
    /// Adds the effective settings.
    pub(crate) fn show(&mut self, settings: &Settings) {
        self.directory = Some(settings.directory.clone());
        self.max_bytes = Some(settings.journal_max_bytes);
        self.flush_timeout = Some(FileDuration(settings.flush_timeout));
        let JournalWithout { directory_sync, lock, .. } = settings.journal_without;
        let lacks = [(directory_sync, "directory_sync"), (lock, "lock")].into_iter().filter(|(accepted, _)| *accepted);
        let without: Vec<_> = lacks.map(|(_, name)| name.to_owned()).collect();
        self.without = Some(without).filter(|without| !without.is_empty());
        self.quarantine_max_bytes = Some(settings.quarantine.max_bytes);
        self.quarantine_when_full = Some(match settings.quarantine.when_full {
            QuarantineFull::Shed => QuarantineFullName::Shed,
            QuarantineFull::Refuse => QuarantineFullName::Refuse,
        });
    }
}

impl QuarantineFullName {
    /// The text of the corresponding variable.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Shed => "shed",
            Self::Refuse => "refuse",
        }
    }
}
