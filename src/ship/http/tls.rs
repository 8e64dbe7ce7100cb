//! TLS from the certificate variables, for OTLP over HTTP.

use std::sync::Arc;

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{OtlpSettings, TlsSettings};

/// A connector for the endpoint of those settings.
pub(super) fn secured(tcp: Tcp, settings: &OtlpSettings) -> Result<HttpsConnector<Tcp>, String> {
    let config = match &settings.tls {
        Some(tls) => client_config(tls)?,
        // Not used: the endpoint is plain, and redirects are not followed.
        None => provider()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(tcp))
}

fn client_config(tls: &TlsSettings) -> Result<ClientConfig, String> {
    let builder = match &tls.ca_pem {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
            provider()?.with_root_certificates(roots)
        }
        None => provider()?.with_native_roots().map_err(|error| error.to_string())?,
    };
    match &tls.identity_pem {
        Some((chain, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("the client key: {error}"))?;
            builder.with_client_auth_cert(certificates(chain)?, key).map_err(|error| error.to_string())
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

fn provider() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    // Named explicitly: a process may have no default provider or several.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| format!("a certificate: {error}"))
}
