//! The keys of issuers: where they come from, and what of them is known at the moment.
//!
//! ```text
//! calls ──find──► store ◄──replace── keeper (thread auditrail-keys) ◄──load── source: file, URL, discovery
//!            └────want────────────────►
//! ```
//!
//! Invariants:
//! 1. A call never waits for keys: it reads what the store has. Only the thread `auditrail-keys` reads files and networks.
//! 2. What a call asks for causes at most one load per cool-down, whatever key ids it names.
//! 3. A load that fails changes no key. Keys that could not be confirmed for too long are dropped.

mod address;
mod client;
mod discovery;
mod error;
mod keeper;
mod key;
mod key_set;
mod source;
mod store;
#[cfg(test)]
mod tests;

pub(super) use self::address::checked_address;
pub(super) use self::client::{Client, bearer};
pub(super) use self::error::LoadError;
pub(super) use self::keeper::{KeeperThread, Kept, Work};
pub(super) use self::key::Key;
pub(super) use self::source::{Loader, Source};
pub(super) use self::store::{Found, KeyStore, Timing};
