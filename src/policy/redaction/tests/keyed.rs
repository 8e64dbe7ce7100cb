//! Keys for tests.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::hex::hex;
use crate::policy::redaction::Protect;

/// Makes all values unreadable by one key, and can always.
pub(crate) struct Keyed;

/// Has no keys now.
pub(crate) struct Keyless;

impl Protect for Keyed {
    fn hash(&self, class: &str, value: &[u8]) -> String {
        format!("k1:{}", keyed("hash", class, value))
    }

    fn pseudonym(&self, class: &str, tenant: Option<&str>, value: &[u8]) -> Option<String> {
        Some(format!("p1:{}", keyed(tenant.unwrap_or_default(), class, value)))
    }

    fn encrypt(&self, subject: &str, field: &str, value: &[u8]) -> Option<String> {
        Some(format!("e1:{}", keyed(subject, field, value)))
    }
}

impl Protect for Keyless {
    fn hash(&self, class: &str, value: &[u8]) -> String {
        Keyed.hash(class, value)
    }

    fn pseudonym(&self, _: &str, _: Option<&str>, _: &[u8]) -> Option<String> {
        None
    }

    fn encrypt(&self, _: &str, _: &str, _: &[u8]) -> Option<String> {
        None
    }
}

fn keyed(one: &str, two: &str, value: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"key of tests").unwrap();
    for part in [one.as_bytes(), b"\0", two.as_bytes(), b"\0", value] {
        mac.update(part);
    }
    hex(&mac.finalize().into_bytes())
}
