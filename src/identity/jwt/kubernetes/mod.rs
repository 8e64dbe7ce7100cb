//! Service accounts of Kubernetes: verified by the keys of the cluster, and by `TokenReview` where that is switched on.
//!
//! Invariants:
//! 1. A call never waits for the API server. What is not known yet is `key_unavailable`.
//! 2. Only tokens that the keys of the cluster do not disprove are reviewed, each once at a time, and few wait.
//! 3. An answer is kept by the hash of its token, until the token expires; a token is kept only while its review waits.

mod account;
mod extractor;
mod review;
mod settings;

pub use self::extractor::KubernetesExtractor;
pub use self::settings::KubernetesIdentity;
