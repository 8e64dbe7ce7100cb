//! Asks servers of issuers, and believes nothing of how they answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::request::Builder;
use http::uri::Parts;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self};
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::address::shown;
use super::error::LoadError;

/// A client of one issuer. It lives on the thread `auditrail-keys`.
#[derive(Debug)]
pub(in crate::identity::jwt) struct Client {
    inner: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

/// What a server answered with success.
#[derive(Debug)]
pub(in crate::identity::jwt) struct Answer {
    pub(in crate::identity::jwt) body: Bytes,
    /// How long it may be used, if the server says so.
    pub(in crate::identity::jwt) max_age: Option<Duration>,
}

impl Client {
    /// A client that trusts those authorities (PEM), or the system's.
    pub(in crate::identity::jwt) fn new(ca_pem: Option<&[u8]>, timeout: Duration) -> Result<Self, LoadError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeout));
        let tls = tls(ca_pem).map_err(LoadError::Unprepared)?;
        let https =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        // It is used every few minutes, so idle connections would only be broken ones.
        let inner = legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Ok(Self { inner, timeout })
    }

    /// The JSON document at that address.
    pub(in crate::identity::jwt) async fn get(
        &self,
        address: &Uri,
        bearer: Option<HeaderValue>,
    ) -> Result<Answer, LoadError> {
        let mut address = address.clone();
        for _ in 0..MOST_REDIRECTS {
            let request = authorized(Request::get(address.clone()), bearer.clone());
            match self.limited(&address, request, Bytes::new()).await? {
                Reply::Document(answer) => return Ok(answer),
                Reply::Elsewhere(next) => address = next,
            }
        }
        Err(LoadError::Redirects(shown(&address)))
    }

    /// The JSON answer to a JSON document.
    pub(in crate::identity::jwt) async fn post(
        &self,
        address: &Uri,
        bearer: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, LoadError> {
        let request = Request::post(address.clone()).header(CONTENT_TYPE, JSON);
        match self.limited(address, authorized(request, bearer), body).await? {
            Reply::Document(answer) => Ok(answer),
            Reply::Elsewhere(_) => Err(LoadError::Redirect(shown(address))),
        }
    }

    async fn limited(&self, address: &Uri, request: Builder, body: Bytes) -> Result<Reply, LoadError> {
        let exchange = timeout(self.timeout, self.exchange(address, request, body));
        exchange.await.unwrap_or_else(|_| Err(LoadError::Slow(shown(address), self.timeout)))
    }

    async fn exchange(&self, address: &Uri, request: Builder, body: Bytes) -> Result<Reply, LoadError> {
        let at = || shown(address);
        let request = request.header(ACCEPT, JSON).header(USER_AGENT, US).body(Full::new(body));
        let request = request.map_err(|error| LoadError::NoAnswer(at(), error.to_string()))?;
        let response = self.inner.request(request).await.map_err(|error| LoadError::NoAnswer(at(), cause(&error)))?;
        let (head, body) = response.into_parts();
        if head.status.is_redirection() {
            return elsewhere(address, &head.headers).map(Reply::Elsewhere);
        }
        if !head.status.is_success() {
            return Err(LoadError::Status(at(), head.status.as_u16()));
        }
        check_type(&head.headers, at)?;
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                LoadError::TooLong(at(), MOST_BYTES)
            } else {
                LoadError::NoAnswer(at(), "the answer breaks off".into())
            }
        })?;
        Ok(Reply::Document(Answer { body: body.to_bytes(), max_age: max_age(&head.headers) }))
    }
}

/// The header with the token of a file.
pub(in crate::identity::jwt) fn bearer(token: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(&[b"Bearer ".as_slice(), token.trim_ascii()].concat()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn authorized(mut request: Builder, bearer: Option<HeaderValue>) -> Builder {
    if let (Some(bearer), Some(headers)) = (bearer, request.headers_mut()) {
        headers.insert(AUTHORIZATION, bearer);
    }
    request
}

enum Reply {
    Document(Answer),
    Elsewhere(Uri),
}

/// Where a redirect leads, on the same host by the same scheme.
fn elsewhere(address: &Uri, headers: &HeaderMap) -> Result<Uri, LoadError> {
    let refused = || LoadError::Redirect(shown(address));
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let target: Uri = location.parse().map_err(|_| refused())?;
    match (target.scheme(), target.authority()) {
        // An absolute path; a relative one is no URI by itself.
        (None, None) => {
            let mut parts: Parts = address.clone().into_parts();
            parts.path_and_query = target.into_parts().path_and_query;
            Uri::from_parts(parts).map_err(|_| refused())
        }
        (scheme, authority) if scheme == address.scheme() && authority == address.authority() => Ok(target),
        _ => Err(refused()),
    }
}

/// Files of keys on web servers come as text or bytes, too.
fn check_type(headers: &HeaderMap, at: impl Fn() -> String) -> Result<(), LoadError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "text/html" | "application/xhtml+xml" => Err(LoadError::WebPage(at())),
        "application/json" | "text/plain" | "application/octet-stream" => Ok(()),
        other if other.ends_with("+json") => Ok(()),
        _ => Err(LoadError::MediaType(at())),
    }
}

/// `max-age` of `Cache-Control`; none where the answer must not be kept.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim);
    let seconds = directives.find_map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(0),
            "max-age" => value.trim_matches('"').parse().ok(),
            _ => None,
        }
    });
    seconds.map(Duration::from_secs)
}

fn tls(ca_pem: Option<&[u8]>) -> Result<ClientConfig, String> {
    // Named explicitly: a process may have no default provider or several.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match ca_pem {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| format!("a certificate: {error}"))?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
            if roots.is_empty() {
                return Err("the file of authorities has no certificate in PEM".into());
            }
            builder.with_root_certificates(roots)
        }
        None => match builder.clone().with_native_roots() {
            Ok(builder) => builder,
            // Containers without certificates still reach servers on this machine; others will not be trusted.
            Err(_) => builder.with_root_certificates(RootCertStore::empty()),
        },
    };
    Ok(builder.with_no_client_auth())
}

/// The innermost cause, which says most.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const US: HeaderValue = HeaderValue::from_static(concat!("auditrail/", env!("CARGO_PKG_VERSION")));
/// Twenty RSA keys with their certificates take 40 kB.
const MOST_BYTES: usize = 512 << 10;
const MOST_REDIRECTS: usize = 4;
