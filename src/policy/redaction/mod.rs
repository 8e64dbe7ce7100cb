//! What of arguments and results may be read, once content is recorded: values are dropped, masked or made unreadable by
//! path, by key and by what detectors find, before anything is written. `docs/redaction.md` has the rules, and what is not found.
//!
//! It fails private: what cannot be looked through (a limit is passed, JSON is broken, a rule panics) is masked whole and still
//! recorded, with its length and digest.

mod action;
mod builder;
mod compiled;
mod context;
mod detect;
mod detector;
mod error;
mod is_json;
mod limits;
mod names;
mod pass;
mod path;
mod pattern;
#[cfg(test)]
mod planted;
mod protect;
mod reader;
mod redacted;
mod redactor;
mod rule;
mod strings;
#[cfg(test)]
mod tests;
mod walk;

pub use self::action::Action;
pub use self::builder::RedactorBuilder;
pub use self::context::Context;
pub use self::detector::Detector;
pub use self::error::RedactionError;
pub use self::limits::RedactionLimits;
pub use self::protect::Protect;
pub use self::reader::ContentReader;
pub use self::redacted::{Redacted, Unread};
pub use self::redactor::Redactor;
pub use self::rule::RedactionRule;
