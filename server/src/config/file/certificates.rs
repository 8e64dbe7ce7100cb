//! The values of keys about certificates of clients.

use serde::{Deserialize, Serialize};

/// Whether clients need a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificateUse {
    /// Clients without one are refused.
    Required,
    /// Clients without one are served; other settings may identify them.
    Optional,
}

/// The name in a certificate that is the actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientNameKind {
    /// The distinguished name.
    Subject,
    /// The common name in it.
    Cn,
    /// The URI, such as a SPIFFE id.
    Uri,
    /// The e-mail address.
    Email,
    /// The DNS name.
    Dns,
}

/// What the holders of certificates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientHolder {
    /// People.
    User,
    /// Programs.
    Service,
}
