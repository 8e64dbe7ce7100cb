//! Policies in TOML: their shape, their mistakes, and what they mean. `docs/policy.md` describes them.
//!
//! Invariants:
//! 1. Whatever is not understood is an error: an unknown key, a value that is none, a rule that can never match. The error
//!    names file, line, column and key, says what is right, and what may have been meant.
//! 2. No error repeats a value: somebody may write a secret in the wrong place.
//! 3. The tables are the same in a file of their own and in the configuration file of the proxy.

mod class;
mod duration;
mod error;
mod mistake;
mod names;
mod read;
mod redact;
mod rule;
mod shape;
mod tables;
#[cfg(test)]
mod tests;

pub use self::class::ClassSettings;
pub use self::duration::{FileDuration, duration};
pub use self::error::PolicyFileError;
pub use self::mistake::{KEYS, Mistake, Source};
pub use self::names::{AcknowledgeName, DirectionName, HalvesName, LevelName, SampleText, WhenFullName};
pub use self::redact::RedactSettings;
pub use self::rule::{MatchSettings, RuleSettings};
pub use self::shape::PolicyFile;
pub use self::tables::Tables;
