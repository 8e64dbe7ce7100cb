//! Rules that say what is kept of a call: the first that matches decides.
//!
//! A [`Policy`] is asked twice. When a call begins, it says what the facts of the request decide ([`Policy::at_begin`]), or
//! that the outcome has to be known first. When the call ends, it says what is kept ([`Policy::at_end`]). Nothing in here
//! reads a file, a clock or a random number.
//!
//! Invariants:
//! 1. The first rule whose keys all match decides, and what it does not say has its default; if none matches, the level is
//!    `metadata`.
//! 2. Only a rule that names something can suppress a failure, a denial, a write or an authentication, and only by
//!    `level = "none"`; a sample never does.
//! 3. What [`Begin::AfterOutcome`] says has to be kept is never less than what [`Policy::at_end`] says for any outcome.

mod builder;
mod canonical;
mod checks;
mod error;
mod explain;
mod facts;
mod index;
mod keys;
mod level;
mod pattern;
mod policy;
mod rule;
mod sample;
#[cfg(test)]
mod tests;
mod treatment;

pub use self::builder::PolicyBuilder;
pub use self::error::{PolicyError, PolicyProblem};
pub use self::explain::{Explanation, Mismatch, Note, Unmatched};
pub use self::facts::CallFacts;
pub use self::level::{Halves, Level};
pub use self::policy::Policy;
pub use self::rule::Rule;
pub use self::sample::{InvalidSample, Sample};
pub use self::treatment::{Begin, NamedClass, RuleRef, Treatment};
