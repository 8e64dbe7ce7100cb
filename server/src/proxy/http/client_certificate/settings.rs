//! The settings of a listener that asks its clients for a certificate.

use std::path::PathBuf;

use auditrail::identity::ActorType;

/// Which certificates of clients a listener accepts, and who their holders are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCertificates {
    /// The authorities that must have signed them, PEM. Read at the start, like the listener's own certificate.
    pub ca: PathBuf,
    /// Whether clients without a certificate are refused (default: they are). If they are not, other extractors may identify
    /// them. A certificate that is not valid is refused in either case.
    pub required: bool,
    /// The name that is the actor (default: the subject).
    pub name: CertificateName,
    /// What the holders are. By default the name says it: see [`CertificateName`].
    pub holder: Option<ActorType>,
}

/// A name in a certificate. Only one of them is the actor, so that a name of one kind can never be taken for one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CertificateName {
    /// The distinguished name, as RFC 4514 writes it: `CN=ada,O=Example`. A person, unless the settings say otherwise.
    #[default]
    Subject,
    /// The common name in it. A person, unless the settings say otherwise.
    CommonName,
    /// The URI among the alternative names, such as a SPIFFE id. A service, unless the settings say otherwise.
    Uri,
    /// The e-mail address among the alternative names. A person, unless the settings say otherwise.
    Email,
    /// The DNS name among the alternative names, in lower case. A service, unless the settings say otherwise.
    Dns,
}

impl ClientCertificates {
    /// Every client needs a certificate that one of those authorities has signed.
    #[must_use]
    pub fn new(ca: PathBuf) -> Self {
        Self { ca, required: true, name: CertificateName::default(), holder: None }
    }
}
