//! The variables of the OTLP exporter specification, for one signal.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::tls::{TlsSettings, TlsVariables};
use super::{ConfigError, Environment, Overrides};

/// Which signal the settings are for; its own variables win over the general ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Audit records.
    Logs,
    /// Spans.
    Traces,
}

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with binary protobuf.
    HttpProtobuf,
}

/// How requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
}

/// A header that goes with every request. Its value is marked sensitive and never printed.
pub type Header = (HeaderName, HeaderValue);

/// Where and how one signal is exported.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// How requests travel.
    pub protocol: Protocol,
    /// The collector: scheme and authority, and for [`Protocol::HttpProtobuf`] the path that requests are posted to.
    pub endpoint: Uri,
    /// The setting that the endpoint came from, for messages.
    pub endpoint_source: &'static str,
    /// Headers for every request.
    pub headers: Vec<Header>,
    /// The time-out of one request.
    pub timeout: Duration,
    /// How requests are compressed.
    pub compression: Compression,
    /// How the connection is secured; `None` for a plain one.
    pub tls: Option<TlsSettings>,
}

impl OtlpSettings {
    pub(super) fn read(signal: Signal, overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        let names = signal.variables();
        let protocol = protocol(names, environment)?;
        let (endpoint_source, endpoint) = match (&overrides.endpoint, environment.first(&names.endpoint)?) {
            (Some(endpoint), _) => (ENDPOINT_METHOD, endpoint.as_str()),
            (None, Some(found)) => found,
            (None, None) => ("the default endpoint", protocol.default_endpoint()),
        };
        let endpoint = endpoint_uri(endpoint_source, endpoint, protocol)?;
        // The signal's own variable is used as it is.
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
            timeout: match environment.first(&names.timeout)? {
                Some((variable, text)) => match environment.millis(variable)? {
                    Some(Duration::ZERO) => {
                        let problem = "no request could ever be answered in time";
                        return Err(ConfigError::value(variable, text, problem, "set milliseconds, such as 10000"));
                    }
                    timeout => timeout.unwrap_or(DEFAULT_TIMEOUT),
                },
                None => DEFAULT_TIMEOUT,
            },
            compression: match environment.first(&names.compression)? {
                None | Some((_, "none")) => Compression::None,
                Some((_, "gzip")) => Compression::Gzip,
                Some((variable, _)) => {
                    return Err(ConfigError::secret(variable, "unknown compression", "set gzip or none"));
                }
            },
        })
    }
}

impl OtlpSettings {
    /// The endpoint for people: without its query, which may hold a key.
    #[must_use]
    pub fn shown_endpoint(&self) -> String {
        shown(&self.endpoint)
    }
}

pub(super) fn shown(endpoint: &Uri) -> String {
    let whole = endpoint.to_string();
    match whole.split_once('?') {
        Some((before, _)) => format!("{before}?(hidden)"),
        None => whole,
    }
}

/// A protocol that cannot be honoured stops the start.
fn protocol(names: &Variables, environment: &Environment) -> Result<Protocol, ConfigError> {
    let Some((variable, protocol)) = environment.first(&names.protocol)? else { return Ok(Protocol::Grpc) };
    let wrong = |problem: &str, fix: &str| Err(ConfigError::value(variable, protocol, problem, fix));
    match protocol {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" if cfg!(feature = "otlp-http") => Ok(Protocol::HttpProtobuf),
        "http/protobuf" => wrong(
            "auditrail was built without OTLP/HTTP",
            "enable its feature otlp-http, or set grpc (the collector's port 4317)",
        ),
        "http/json" => wrong(
            "auditrail exports OTLP in its binary form only",
            "set http/protobuf (the same port and path), or grpc (the collector's port 4317)",
        ),
        _ => Err(ConfigError::secret(variable, "unknown protocol", "set grpc or http/protobuf")),
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

/// The URL of a signal below a general one, whose own path and query are kept.
fn below(base: Uri, path: &str) -> Uri {
    let mut parts = base.clone().into_parts();
    let query = base.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = format!("{}{path}{query}", base.path().trim_end_matches('/'));
    match path.parse() {
        Ok(path) => {
            parts.path_and_query = Some(path);
            Uri::from_parts(parts).unwrap_or(base)
        }
        // A path of a URL with a path behind it is the path of a URL.
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
    for (position, entry) in (1..).zip(list.split(',')) {
        let Some((name, value)) = entry.split_once('=') else {
            return wrong(position, "there is no '='");
        };
        let Ok(name) = name.trim().parse::<HeaderName>() else {
            return wrong(position, "the name is not the name of a header");
        };
        let Some(value) = super::resource::percent_decode(value.trim()) else {
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

struct Variables {
    /// Behind the URL of a general endpoint, by OTLP/HTTP.
    path: &'static str,
    endpoint: [&'static str; 2],
    headers: [&'static str; 2],
    timeout: [&'static str; 2],
    compression: [&'static str; 2],
    protocol: [&'static str; 2],
    tls: TlsVariables,
}

impl Signal {
    const fn variables(self) -> &'static Variables {
        match self {
            Self::Logs => &LOGS,
            Self::Traces => &TRACES,
        }
    }
}

macro_rules! variables {
    ($signal:literal, $path:literal) => {
        Variables {
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

const LOGS: Variables = variables!("LOGS", "/v1/logs");
const TRACES: Variables = variables!("TRACES", "/v1/traces");

/// OTLP exporter specification: ten seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the endpoint is called that the code says.
pub(crate) const ENDPOINT_METHOD: &str = "endpoint() of the builder";
