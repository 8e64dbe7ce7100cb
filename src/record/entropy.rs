//! The seam to chance.

use std::fmt::Debug;

use rand::RngCore as _;

/// Where random bytes come from; a simulation brings its own.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// A cryptographic generator per thread, seeded by the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadEntropy;

impl Entropy for ThreadEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
