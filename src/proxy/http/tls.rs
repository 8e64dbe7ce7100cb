//! Certificates: the listener's own, and those of servers.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::{HttpProxyError, Mode, PemFiles, Upstream};

/// For connections of clients, which may choose between HTTP/2 and HTTP/1.1.
pub(super) fn acceptor(files: &PemFiles) -> Result<TlsAcceptor, HttpProxyError> {
    let wrong = |error: rustls::Error| pem(&files.certificate, error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(wrong)?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain(&files.certificate)?, key(&files.key)?).map_err(wrong)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// For connections to servers.
pub(super) fn secured(tcp: Tcp, mode: &Mode) -> Result<HttpsConnector<Tcp>, HttpProxyError> {
    let config = match mode {
        Mode::Reverse(upstream) if upstream.scheme == http::uri::Scheme::HTTPS => client_config(upstream)?,
        // It is never used: all servers are plain.
        _ => builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(tcp))
}

fn client_config(upstream: &Upstream) -> Result<ClientConfig, HttpProxyError> {
    let builder = match &upstream.ca {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in chain(path)? {
                roots.add(certificate).map_err(|error| pem(path, error.to_string()))?;
            }
            builder()?.with_root_certificates(roots)
        }
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
    // By name: a process may have none or several default providers.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| system(error.to_string()))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpProxyError> {
    let wrong = |error: rustls::pki_types::pem::Error| pem(path, error.to_string());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect::<Result<_, _>>().map_err(wrong)?;
    if chain.is_empty() { Err(pem(path, "it has no PEM block of a certificate".into())) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, HttpProxyError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| pem(path, error.to_string()))
}

fn pem(path: &Path, problem: String) -> HttpProxyError {
    HttpProxyError::Pem { path: path.to_owned(), problem }
}

fn system(problem: String) -> HttpProxyError {
    let fix = "name the certificates that the server's is signed by";
    HttpProxyError::setting("upstream", "https", format!("the system's certificates: {problem}"), fix)
}
