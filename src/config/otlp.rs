//! The variables of the OTLP exporter specification, for one signal.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::endpoint;
use super::environment::{Environment, NotUnderstood};
use super::error::ConfigError;
use super::overrides::Overrides;
use super::tls::{TlsSettings, TlsVariables};
use super::warnings::Warnings;

/// The signal of the settings; its own variables win over the general ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Audit records.
    Logs,
    /// Spans.
    Traces,
}

/// The protocol of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with binary protobuf.
    HttpProtobuf,
}

/// The compression of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// gzip.
    Gzip,
}

/// A header that is sent with every request. Its value is marked as sensitive and never printed.
pub type Header = (HeaderName, HeaderValue);

/// The destination of one signal, and how it is exported.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// The protocol of requests.
    pub protocol: Protocol,
    /// The collector: scheme and authority, and for [`Protocol::HttpProtobuf`] the path that requests are posted to.
    pub endpoint: Uri,
    /// The setting that the endpoint comes from, for messages.
    pub endpoint_source: &'static str,
    /// Headers for every request.
    pub headers: Vec<Header>,
    /// The timeout of one request (default: 10 s).
    pub timeout: Duration,
    /// The compression of requests.
    pub compression: Compression,
    /// The TLS settings; `None` for an `http://` endpoint.
    pub tls: Option<TlsSettings>,
}

impl OtlpSettings {
    pub(super) fn read(
        signal: Signal,
        overrides: &Overrides,
        environment: &Environment,
        warnings: &mut Warnings,
    ) -> Result<Self, ConfigError> {
        let names = signal.variables();
        let protocol = protocol(names, environment, warnings)?;
        let (endpoint_source, endpoint) = match (&overrides.endpoint, environment.first(&names.endpoint)?) {
            (Some(endpoint), _) => (ENDPOINT_METHOD, endpoint.as_str()),
            (None, Some(found)) => found,
            (None, None) => (DEFAULT_ENDPOINT, protocol.default_endpoint()),
        };
        let endpoint = endpoint_uri(endpoint_source, endpoint, protocol)?;
        // The signal's own variable is used unchanged.
        let endpoint = match protocol {
            Protocol::HttpProtobuf if endpoint_source != names.endpoint[0] => below(endpoint, names.path),
            _ => endpoint,
        };
        Ok(Self {
            protocol,
            tls: TlsSettings::read(&endpoint, endpoint_source, &names.tls, environment)?,
            endpoint,
            endpoint_source,
            headers: match environment.first(&names.headers)? {
                Some((variable, list)) => headers(variable, list)?,
                None => Vec::new(),
            },
            timeout: environment.understood(&names.timeout, warnings, timeout)?.unwrap_or(DEFAULT_TIMEOUT),
            compression: environment
                .understood(&names.compression, warnings, compression)?
                .unwrap_or(Compression::None),
        })
    }
}

impl OtlpSettings {
    /// Whether nobody has named an endpoint.
    pub(super) fn has_default_endpoint(&self) -> bool {
        self.endpoint_source == DEFAULT_ENDPOINT
    }

    /// The endpoint without its query, which may contain a key, for messages.
    #[must_use]
    pub fn shown_endpoint(&self) -> String {
        endpoint::shown(&self.endpoint)
    }
}

/// A protocol that auditrail knows and was built without stops the start: with another one, nothing would arrive.
fn protocol(
    names: &SignalVariables,
    environment: &Environment,
    warnings: &mut Warnings,
) -> Result<Protocol, ConfigError> {
    let is_json = |text: &str| text.eq_ignore_ascii_case("http/json");
    let found = environment.understood(&names.protocol, warnings, |text| {
        match text.to_ascii_lowercase().as_str() {
            "grpc" => Ok((Protocol::Grpc, false)),
            "http/protobuf" if cfg!(feature = "otlp-http") => Ok((Protocol::HttpProtobuf, false)),
            // A collector that accepts it also accepts the binary encoding, at this port and path (OTLP
            // specification).
            "http/json" if cfg!(feature = "otlp-http") => Ok((Protocol::HttpProtobuf, true)),
            "http/protobuf" | "http/json" => Err(NotUnderstood {
                stops: true,
                ..NotUnderstood::new(
                    "auditrail was built without OTLP/HTTP",
                    "enable its feature otlp-http, or set grpc (the collector's port 4317)",
                )
            }),
            _ => Err(NotUnderstood::new("unknown protocol", "set grpc or http/protobuf")),
        }
    })?;
    let Some((protocol, wants_json)) = found else { return Ok(Protocol::Grpc) };
    for variable in names.protocol {
        if wants_json && environment.text(variable)?.is_some_and(is_json) {
            warnings.add(format!(
                "{variable} says http/json, and auditrail exports OTLP in its binary form only: http/protobuf is used, at the \
                 same port and path"
            ));
        }
    }
    Ok(protocol)
}

fn compression(text: &str) -> Result<Compression, NotUnderstood> {
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(Compression::None),
        "gzip" => Ok(Compression::Gzip),
        _ => Err(NotUnderstood::new("unknown compression", "set gzip or none")),
    }
}

/// In the specification, 0 means no limit. A collector that never answers would then hold up the records forever.
fn timeout(text: &str) -> Result<Duration, NotUnderstood> {
    match text.parse().map(Duration::from_millis) {
        Ok(Duration::ZERO) => Err(NotUnderstood::new("requests need a time limit", "set milliseconds, such as 10000")),
        Ok(timeout) => Ok(timeout),
        Err(_) => Err(NotUnderstood::new("not a number", "set whole milliseconds, such as 10000")),
    }
}

impl Protocol {
    /// OTLP exporter specification.
    const fn default_endpoint(self) -> &'static str {
        match self {
            Self::Grpc => "http://localhost:4317",
            Self::HttpProtobuf => "http://localhost:4318",
        }
    }
}

/// The URL of a signal below a general one, whose path and query are kept.
fn below(base: Uri, path: &str) -> Uri {
    let mut parts = base.clone().into_parts();
    let query = base.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = format!("{}{path}{query}", base.path().trim_end_matches('/'));
    match path.parse() {
        Ok(path) => {
            parts.path_and_query = Some(path);
            Uri::from_parts(parts).unwrap_or(base)
        }
        // Appending a path to the path of a valid URL gives a valid URL.
        Err(_) => base,
    }
}

fn endpoint_uri(source: &str, endpoint: &str, protocol: Protocol) -> Result<Uri, ConfigError> {
    if endpoint.contains('@') || endpoint.contains("%40") {
        return Err(ConfigError::secret(
            source,
            "the URL has a user or password in it",
            "send credentials by OTEL_EXPORTER_OTLP_HEADERS",
        ));
    }
    let wrong = |problem: &str, fix: &str| Err(ConfigError::secret(source, problem, fix));
    let fix = format!("set one such as {}", protocol.default_endpoint());
    let Ok(uri) = endpoint.parse::<Uri>() else {
        return wrong("not a URL", &fix);
    };
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => wrong("it has no scheme http:// or https:// and host", &fix),
    }
}

/// `key1=value1,key2=value2`, keys and values percent-encoded (OTLP exporter specification, W3C Baggage syntax).
fn headers(variable: &str, list: &str) -> Result<Vec<Header>, ConfigError> {
    let wrong = |position: usize, problem: &str| {
        Err(ConfigError::secret(
            variable,
            format!("entry {position}: {problem}"),
            "write name=value,name=value with special characters percent-encoded",
        ))
    };
    let mut headers = Vec::new();
    for (position, entry) in super::list::entries(list) {
        let Some((name, value)) = entry.split_once('=') else {
            return wrong(position, "there is no '='");
        };
        let Ok(name) = name.trim().parse::<HeaderName>() else {
            return wrong(position, "the name is not the name of a header");
        };
        let Some(value) = super::list::percent_decode(value.trim()) else {
            return wrong(position, "a '%' is not followed by two hexadecimal digits, or the result is not UTF-8");
        };
        let Ok(mut value) = HeaderValue::from_str(&value) else {
            return wrong(position, "the value has characters that no header may have");
        };
        value.set_sensitive(true);
        headers.push((name, value));
    }
    Ok(headers)
}

struct SignalVariables {
    /// The path after the URL of a general endpoint, over OTLP/HTTP.
    path: &'static str,
    endpoint: [&'static str; 2],
    headers: [&'static str; 2],
    timeout: [&'static str; 2],
    compression: [&'static str; 2],
    protocol: [&'static str; 2],
    tls: TlsVariables,
}

impl Signal {
    const fn variables(self) -> &'static SignalVariables {
        match self {
            Self::Logs => &LOGS,
            Self::Traces => &TRACES,
        }
    }
}

macro_rules! variables {
    ($signal:literal, $path:literal) => {
        SignalVariables {
            path: $path,
            endpoint: [concat!("OTEL_EXPORTER_OTLP_", $signal, "_ENDPOINT"), "OTEL_EXPORTER_OTLP_ENDPOINT"],
            headers: [concat!("OTEL_EXPORTER_OTLP_", $signal, "_HEADERS"), "OTEL_EXPORTER_OTLP_HEADERS"],
            timeout: [concat!("OTEL_EXPORTER_OTLP_", $signal, "_TIMEOUT"), "OTEL_EXPORTER_OTLP_TIMEOUT"],
            compression: [concat!("OTEL_EXPORTER_OTLP_", $signal, "_COMPRESSION"), "OTEL_EXPORTER_OTLP_COMPRESSION"],
            protocol: [concat!("OTEL_EXPORTER_OTLP_", $signal, "_PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL"],
            tls: TlsVariables {
                certificate: [
                    concat!("OTEL_EXPORTER_OTLP_", $signal, "_CERTIFICATE"),
                    "OTEL_EXPORTER_OTLP_CERTIFICATE",
                ],
                client_certificate: [
                    concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_CERTIFICATE"),
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                ],
                client_key: [concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_KEY"), "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
            },
        }
    };
}

const LOGS: SignalVariables = variables!("LOGS", "/v1/logs");
const TRACES: SignalVariables = variables!("TRACES", "/v1/traces");

/// OTLP exporter specification: ten seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The name of an endpoint that nobody sets.
const DEFAULT_ENDPOINT: &str = "the default endpoint";
/// The name of an endpoint that the code sets.
pub const ENDPOINT_METHOD: &str = "endpoint() of the builder";
