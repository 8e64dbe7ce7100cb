//! The certificate variables of the OTLP exporter specification.

use std::fmt;
use std::path::Path;

use http::Uri;

use super::endpoint;
use super::environment::Environment;
use super::error::ConfigError;

/// The certificates of a connection.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSettings {
    /// The authorities that must have signed the collector's certificate, PEM; `None` for those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// The client's certificate chain and its key, PEM, for mutual TLS.
    pub identity_pem: Option<(Vec<u8>, Vec<u8>)>,
}

/// The names of the variables, the signal's own first.
pub(super) struct TlsVariables {
    pub(super) certificate: [&'static str; 2],
    pub(super) client_certificate: [&'static str; 2],
    pub(super) client_key: [&'static str; 2],
}

impl TlsSettings {
    /// `None` for a plain endpoint.
    pub(super) fn read(
        endpoint: &Uri,
        source: &str,
        names: &TlsVariables,
        environment: &Environment,
    ) -> Result<Option<Self>, ConfigError> {
        let secure = endpoint.scheme_str() == Some("https");
        for [own, _] in [names.certificate, names.client_certificate, names.client_key] {
            if let Some(path) = environment.text(own)?.filter(|_| !secure) {
                return Err(unused(own, path));
            }
        }
        if secure && !cfg!(feature = "tls") {
            return Err(ConfigError::value(
                source,
                &endpoint::shown(endpoint),
                "auditrail was built without TLS",
                "enable its feature tls, or use http:// to a collector on this machine",
            ));
        }
        if !secure {
            return Ok(None);
        }
        let certificate = file(environment, &names.client_certificate, CERTIFICATE)?;
        let key = file(environment, &names.client_key, KEY)?;
        let identity_pem = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (certificate, _) => {
                let (missing, there) = match certificate {
                    Some(_) => (names.client_key, names.client_certificate),
                    None => (names.client_certificate, names.client_key),
                };
                let fix = format!("set {} too, or unset {}", missing[1], there[1]);
                return Err(ConfigError::value(missing[1], "", "a client certificate and its key go together", fix));
            }
        };
        Ok(Some(Self { ca_pem: file(environment, &names.certificate, CERTIFICATE)?, identity_pem }))
    }
}

/// A general certificate variable applies to each signal with a secure endpoint; there must be one.
pub(super) fn check_used(is_secure: bool, environment: &Environment) -> Result<(), ConfigError> {
    for variable in GENERAL {
        if let Some(path) = environment.text(variable)?
            && !is_secure
        {
            return Err(unused(variable, path));
        }
    }
    Ok(())
}

fn unused(variable: &str, path: &str) -> ConfigError {
    let problem = "the endpoint is not https://, so it would not be used";
    ConfigError::value(variable, shown(path), problem, "set an https:// endpoint, or unset it")
}

/// Something that is not a path may be the content that should be in the file.
fn shown(path: &str) -> &str {
    let is_path = path.starts_with('/') && path.len() <= LONGEST_SHOWN && !path.contains('\n');
    if is_path { path } else { "(not shown)" }
}

/// The content of the file that a variable names, which must be PEM of that kind.
fn file(environment: &Environment, variables: &[&'static str], kind: &str) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some((variable, path)) = environment.first(variables)? else { return Ok(None) };
    let wrong = |problem: String| {
        ConfigError::value(
            variable,
            shown(path),
            problem,
            format!("name a readable PEM file with a {}", kind.to_lowercase()),
        )
    };
    let pem = super::regular::read(Path::new(path)).map_err(|error| wrong(error.to_string()))?;
    let label = format!("{kind}-----");
    let holds = pem.windows(label.len()).any(|window| window == label.as_bytes());
    if holds { Ok(Some(pem)) } else { Err(wrong(format!("the file has no PEM block of a {}", kind.to_lowercase()))) }
}

/// Keys are never printed.
impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("own_ca", &self.ca_pem.is_some())
            .field("client_certificate", &self.identity_pem.is_some())
            .finish()
    }
}

const GENERAL: [&str; 3] =
    ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"];
const LONGEST_SHOWN: usize = 256;
const CERTIFICATE: &str = "CERTIFICATE";
/// Also the end of `RSA PRIVATE KEY` and `EC PRIVATE KEY`.
const KEY: &str = "PRIVATE KEY";
