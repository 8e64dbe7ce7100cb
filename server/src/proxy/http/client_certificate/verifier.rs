//! Verifies certificates of clients, and keeps the one that was refused: rustls forgets it, and the record of the failure says
//! who tried.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

/// Certificates that one of those roots has signed, directly or through others, for clients.
pub(crate) fn verifier(
    roots: RootCertStore,
    required: bool,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let inner = if required { builder } else { builder.allow_unauthenticated() }.build()?;
    Ok(Arc::new(KeepingVerifier { inner }))
}

/// The certificate of a client that was refused in a handshake, DER.
#[derive(Debug, Default)]
pub(crate) struct Presented(RefCell<Option<CertificateDer<'static>>>);

impl Presented {
    /// Does a handshake; its result, and the certificate that was refused in it.
    pub(crate) async fn during<F: Future>(handshake: F) -> (F::Output, Option<CertificateDer<'static>>) {
        let kept = async move {
            let result = handshake.await;
            (result, PRESENTED.with(|Self(refused)| refused.take()))
        };
        PRESENTED.scope(Self::default(), kept).await
    }
}

tokio::task_local! {
    /// The verifier is called in the task of its connection.
    static PRESENTED: Presented;
}

/// Decides as the one inside.
#[derive(Debug)]
struct KeepingVerifier {
    inner: Arc<dyn ClientCertVerifier>,
}

impl KeepingVerifier {
    fn keep<T>(certificate: &CertificateDer<'_>, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            // Outside of a handshake of the proxy nobody asks for it.
            let _kept =
                PRESENTED.try_with(|Presented(refused)| refused.replace(Some(certificate.clone().into_owned())));
        }
        result
    }
}

impl ClientCertVerifier for KeepingVerifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Self::keep(end_entity, self.inner.verify_client_cert(end_entity, intermediates, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::keep(certificate, self.inner.verify_tls12_signature(message, certificate, signature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::keep(certificate, self.inner.verify_tls13_signature(message, certificate, signature))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
