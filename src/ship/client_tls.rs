//! TLS from the certificate variables, for tonic: records, and spans of the OTel exporter.

use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::config::TlsSettings;

/// The client side of TLS.
pub(crate) fn client_tls(tls: &TlsSettings) -> ClientTlsConfig {
    let config = match &tls.ca_pem {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &tls.identity_pem {
        Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
        None => config,
    }
}
