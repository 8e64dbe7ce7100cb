//! Certificates of clients (mutual TLS): which name of a verified one is the actor, and what is told of those that were
//! refused.
//!
//! Invariants:
//! 1. The actor comes from the certificate that the client's end of the connection proved to have the key of, and from nothing
//!    else: a header that names a certificate (`X-Forwarded-Client-Cert`) is a header like any other.
//! 2. What clients without a valid certificate can make the trail write is bounded ([`Refusals`]).

#[cfg(feature = "tls")]
mod actor;
mod extractor;
#[cfg(feature = "tls")]
mod refusals;
mod settings;
#[cfg(feature = "tls")]
mod verifier;
#[cfg(feature = "tls")]
mod x509;

#[cfg(feature = "tls")]
pub(crate) use self::actor::actor;
pub use self::extractor::CertificateExtractor;
pub(crate) use self::extractor::ClientCertificate;
#[cfg(feature = "tls")]
pub(crate) use self::refusals::Refusals;
pub use self::settings::{CertificateName, ClientCertificates};
#[cfg(feature = "tls")]
pub(crate) use self::verifier::{Presented, verifier};
