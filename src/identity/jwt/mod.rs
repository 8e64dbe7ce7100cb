//! Actors from JSON Web Tokens.
//!
//! ```text
//! request ─► presented ─► cache ──hit──────────────────────────────► actor
//!                           └─miss─► verifier ─► read_actor ───────► actor
//!                                       └─► keys (never waits)
//! ```
//!
//! Issuers, audiences, algorithms and types are pinned by [`JwtIssuer`]. `none` and HMAC cannot be accepted: [`Algorithm`] does not
//! have them. `docs/identity.md` says what a token becomes on a record, and `docs/adr/036-tokens-on-the-path-of-calls.md` why.

mod algorithm;
mod cache;
mod claim_names;
mod claims;
mod compact;
mod extractor;
mod issuer;
mod keys;
mod kubernetes;
mod presented;
mod read_actor;
#[cfg(test)]
mod tests;
mod verifier;

pub use self::algorithm::Algorithm;
pub use self::claim_names::ClaimNames;
pub use self::extractor::JwtExtractor;
pub use self::issuer::JwtIssuer;
pub use self::kubernetes::{KubernetesExtractor, KubernetesIdentity};
