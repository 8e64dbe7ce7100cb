//! A hash that is constant for a text as long as the process runs.

use std::hash::{BuildHasher as _, DefaultHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// SipHash with a random key per process that is never shown. A client that chooses ids can neither compute the hash
/// nor see it. Its only way to two long ids with one hash is to send ids until two collide, which takes about 2³² of
/// them in flight.
#[derive(Debug, Clone)]
pub(crate) struct ProcessHasher {
    hasher: DefaultHasher,
    length: u64,
}

impl ProcessHasher {
    /// Never 0, which means no hash.
    pub(crate) fn finish_some(&self) -> u64 {
        self.finish().max(1)
    }
}

impl Default for ProcessHasher {
    fn default() -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self { hasher: KEY.build_hasher(), length: 0 }
    }
}

impl Hasher for ProcessHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        self.length += bytes.len() as u64;
    }

    fn finish(&self) -> u64 {
        let mut hasher = self.hasher.clone();
        hasher.write_u64(self.length);
        hasher.finish()
    }
}
