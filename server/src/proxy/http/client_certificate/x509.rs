//! Reads the names in a certificate.

use auditrail::internals::config::is_hidden;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{DirectoryString, GeneralName};
use x509_cert::name::Name;

use super::settings::CertificateName;

/// The names in a certificate.
#[derive(Debug)]
pub(super) struct Names {
    subject: Vec<String>,
    common: Vec<String>,
    uris: Vec<String>,
    emails: Vec<String>,
    dns: Vec<String>,
    issuer: Option<String>,
}

/// What a certificate has of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// One.
    One(&'a str),
    /// None.
    Missing,
    /// Several, and nothing says which one counts.
    Several,
    /// One that is no name: it is endless, or has characters that are not seen.
    Unusable,
}

impl Names {
    /// The names in a certificate, DER; `None` if it cannot be read.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let certificate = certificate.tbs_certificate();
        let alternative = certificate.get_extension::<SubjectAltName>().ok()?;
        let mut names = Self {
            subject: distinguished(certificate.subject()).into_iter().collect(),
            common: common(certificate.subject()),
            uris: Vec::new(),
            emails: Vec::new(),
            dns: Vec::new(),
            issuer: distinguished(certificate.issuer()),
        };
        for name in alternative.iter().flat_map(|(_, SubjectAltName(names))| names) {
            match name {
                GeneralName::UniformResourceIdentifier(uri) => names.uris.push(uri.as_str().to_owned()),
                GeneralName::Rfc822Name(email) => names.emails.push(email.as_str().to_owned()),
                // Equal names are written in either case.
                GeneralName::DnsName(name) => names.dns.push(name.as_str().to_ascii_lowercase()),
                _ => {}
            }
        }
        Some(names)
    }

    pub(super) fn get(&self, which: CertificateName) -> Found<'_> {
        let names = match which {
            CertificateName::Subject => &self.subject,
            CertificateName::CommonName => &self.common,
            CertificateName::Uri => &self.uris,
            CertificateName::Email => &self.emails,
            CertificateName::Dns => &self.dns,
        };
        match names.as_slice() {
            [] => Found::Missing,
            [name] if is_usable(name) => Found::One(name),
            [_] => Found::Unusable,
            _ => Found::Several,
        }
    }

    /// The distinguished name of who signed it.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().filter(|name| is_usable(name))
    }
}

/// In the form of RFC 4514; an empty one is no name.
fn distinguished(name: &Name) -> Option<String> {
    (!name.is_empty()).then(|| name.to_string())
}

fn common(name: &Name) -> Vec<String> {
    let values = name.iter().filter(|attribute| attribute.oid == COMMON_NAME).map(|attribute| &attribute.value);
    // One of a type that is not text counts, so that it does not leave another as the only one.
    values.map(|value| DirectoryString::try_from(value).map(String::from).unwrap_or_default()).collect()
}

/// It is not cut: two names with one beginning would become one.
fn is_usable(name: &str) -> bool {
    name.len() <= LONGEST && !name.trim().is_empty() && !name.chars().any(is_hidden)
}

/// A SPIFFE id has at most 2048 bytes, more than any other name of good will.
const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_seen_and_not_endless() {
        for name in ["ada", "CN=Ada L\u{f6}velace,O=Example\\, Inc.", &"x".repeat(LONGEST)] {
            assert!(is_usable(name), "{name}");
        }
        for name in ["", " ", "ada\0", "ada\n", "ada\u{202e}", "\u{feff}", &"x".repeat(LONGEST + 1)] {
            assert!(!is_usable(name), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        for bytes in [&b""[..], b"\x30\x03\x02\x01\x00", b"-----BEGIN CERTIFICATE-----", &[0x30; 4096]] {
            assert!(Names::read(bytes).is_none());
        }
    }
}
