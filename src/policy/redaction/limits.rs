//! How much is looked at.

/// How much of a content is looked at. What is beyond is masked whole, with its length and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactionLimits {
    /// Bytes of a content.
    pub bytes: usize,
    /// Bytes of a redacted content that are recorded. The rest is cut off, after redaction.
    pub kept_bytes: usize,
    /// Objects and arrays within each other.
    pub depth: usize,
    /// Values: members, elements, and what stands alone.
    pub values: usize,
    /// Work, in bytes that are looked at, each time that they are. It stands for time, and depends on no clock.
    pub work: usize,
}

impl Default for RedactionLimits {
    fn default() -> Self {
        Self {
            bytes: 64 << 10,      // as much as the digest's canonical form, so that a tap holds no more for either
            kept_bytes: 16 << 10, // four times what an argument object has at most in most servers
            depth: 64,            // half of what serde_json reads
            values: 16_384,       // one for each four bytes, which no object of real data has
            work: 4 << 20,        // 64 looks at each byte; ordinary content takes three
        }
    }
}

/// The work that is left.
#[derive(Debug)]
pub(super) struct Work(usize);

/// There is no work left.
#[derive(Debug)]
pub(super) struct Exhausted;

impl Work {
    pub(super) fn of(units: usize) -> Self {
        Self(units)
    }

    #[inline]
    pub(super) fn spend(&mut self, units: usize) -> Result<(), Exhausted> {
        self.0 = self.0.checked_sub(units).ok_or(Exhausted)?;
        Ok(())
    }
}
