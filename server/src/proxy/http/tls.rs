//! Certificates: the listener's own, and those of servers.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auditrail::Trail;
use auditrail::internals::config::read_regular;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client_certificate::{ClientCertificate, ClientCertificates, Presented, Refusals, actor, verifier};
use super::error::HttpProxyError;
use super::settings::{PemFiles, ProxyMode, Upstream};

/// For connections of clients, which may choose between HTTP/2 and HTTP/1.1.
#[derive(Clone)]
pub(super) struct Acceptor {
    inner: TlsAcceptor,
    /// What happens with certificates of clients, if they are asked for one.
    clients: Option<Arc<AskedClients>>,
}

#[derive(Debug)]
struct AskedClients {
    settings: ClientCertificates,
    refusals: Refusals,
}

impl Acceptor {
    pub(super) fn new(
        files: &PemFiles,
        clients: Option<&ClientCertificates>,
        trail: &Trail,
    ) -> Result<Self, HttpProxyError> {
        let wrong = |error: rustls::Error| pem(&files.certificate, error.to_string());
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(wrong)?;
        let builder = match clients {
            Some(clients) => {
                let verifier = verifier(roots(&clients.ca)?, clients.required, &provider);
                let unusable = |error: VerifierBuilderError| pem(&clients.ca, error.to_string());
                builder.with_client_cert_verifier(verifier.map_err(unusable)?)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain(&files.certificate)?, key(&files.key)?).map_err(wrong)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if clients.is_some() {
            // A resumed session would have the certificate of an earlier handshake, which may have expired since.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        let clients = clients.map(|settings| {
            Arc::new(AskedClients { settings: settings.clone(), refusals: Refusals::new(trail, settings) })
        });
        Ok(Self { inner: TlsAcceptor::from(Arc::new(config)), clients })
    }

    /// Does the handshake; the stream, and who the client is by its certificate. `None` if it failed: the client learns that from
    /// the handshake.
    pub(super) async fn accept<I: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: I,
        peer: SocketAddr,
    ) -> Option<(TlsStream<I>, Option<ClientCertificate>)> {
        let Some(clients) = &self.clients else { return Some((self.inner.accept(stream).await.ok()?, None)) };
        let (accepted, refused) = Presented::during(self.inner.accept(stream)).await;
        match accepted {
            Ok(stream) => {
                let holder = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let holder = holder.map(|certificate| actor(certificate, &clients.settings));
                Some((stream, holder.map(|holder| ClientCertificate(Arc::new(holder)))))
            }
            Err(error) => {
                clients.refusals.tell(&error, peer, refused.as_deref());
                None
            }
        }
    }
}

/// tokio-rustls has no `Debug` for its own.
impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("clients", &self.clients).finish_non_exhaustive()
    }
}

/// For connections to servers.
pub(super) fn secured(tcp: Tcp, mode: &ProxyMode) -> Result<HttpsConnector<Tcp>, HttpProxyError> {
    let config = match mode {
        ProxyMode::Reverse(upstream) if upstream.scheme == http::uri::Scheme::HTTPS => client_config(upstream)?,
        // Not used: all servers are plain.
        _ => builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(tcp))
}

/// What the operator can do when a handshake with a server fails.
pub(super) fn remedy(error: &rustls::Error) -> &'static str {
    use rustls::{AlertDescription, CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => EXPIRED,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => OTHER_NAME,
        Error::InvalidCertificate(_) => UNKNOWN,
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::HandshakeFailure,
        ) => WANTS_OURS,
        Error::InvalidMessage(_) => NOT_TLS,
        _ => "check that the server supports TLS 1.2 or 1.3",
    }
}

fn client_config(upstream: &Upstream) -> Result<ClientConfig, HttpProxyError> {
    let builder = match &upstream.ca {
        Some(path) => builder()?.with_root_certificates(roots(path)?),
        None => builder()?.with_native_roots().map_err(|error| system(error.to_string()))?,
    };
    match &upstream.identity {
        Some(files) => builder
            .with_client_auth_cert(chain(&files.certificate)?, key(&files.key)?)
            .map_err(|error| pem(&files.certificate, error.to_string())),
        None => Ok(builder.with_no_client_auth()),
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, HttpProxyError> {
    // Named explicitly: a process may have no default provider or several.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| system(error.to_string()))
}

/// The authorities in that file.
fn roots(path: &Path) -> Result<RootCertStore, HttpProxyError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|error| pem(path, error.to_string()))?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpProxyError> {
    let wrong = |error: rustls::pki_types::pem::Error| pem(path, error.to_string());
    let content = content(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&content).collect::<Result<_, _>>().map_err(wrong)?;
    if chain.is_empty() { Err(pem(path, "it has no PEM block of a certificate".into())) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, HttpProxyError> {
    PrivateKeyDer::from_pem_slice(&content(path)?).map_err(|error| pem(path, error.to_string()))
}

fn content(path: &Path) -> Result<Vec<u8>, HttpProxyError> {
    read_regular(path).map_err(|error| pem(path, error.to_string()))
}

fn pem(path: &Path, problem: String) -> HttpProxyError {
    HttpProxyError::Pem { path: path.to_owned(), problem }
}

fn system(problem: String) -> HttpProxyError {
    let problem = format!("the system's certificates: {problem}");
    HttpProxyError::setting("upstream", "https", problem, UNKNOWN)
}

const UNKNOWN: &str =
    "name the certificates that the server's is signed by: upstream_ca of the listener, or --upstream-ca";
const EXPIRED: &str = "the server needs a new certificate (upstream_ca does not help)";
const OTHER_NAME: &str = "write the name into the upstream that the server's certificate has; if that certificate is none of \
                          the server's, name what its own is signed by: upstream_ca of the listener, or --upstream-ca";
const WANTS_OURS: &str = "the server wants to see a certificate, or another one: upstream_certificate and upstream_key of the \
                          listener";
const NOT_TLS: &str = "the server does not speak TLS there: write http://, or its TLS port";
