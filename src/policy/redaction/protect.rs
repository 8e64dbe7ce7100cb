//! What makes a value unreadable by a key.

/// Makes values unreadable by keys that the redactor does not know.
pub trait Protect: Send + Sync {
    /// A keyed hash, by which an equal value is recognized, as `KEYID:HEX`. The class separates what must not be compared.
    fn hash(&self, class: &str, value: &[u8]) -> String;

    /// A pseudonym, separate by class and tenant. `None`: there can be none now, so the value is masked.
    fn pseudonym(&self, class: &str, tenant: Option<&str>, value: &[u8]) -> Option<String>;

    /// The encrypted value, as text, which the key of that subject opens. `None`: there can be none now, so the value is masked.
    fn encrypt(&self, subject: &str, field: &str, value: &[u8]) -> Option<String>;
}
