//! What is kept and what is hidden, decided before anything is written.
//!
//! Private by default: an attribute leaves only if its exact name stands in the contract and is a fact, or if the user
//! named it. Arguments, results, error texts and header values have no way out.

mod allow;
mod bounds;
mod class;
mod decision;
mod denials;
#[cfg(feature = "policy-file")]
pub mod file;
mod limits;
mod nearest;
#[cfg(feature = "redaction")]
pub mod redaction;
mod rules;
mod targets;
#[cfg(test)]
mod tests;
mod truncator;
mod uri;

pub use self::allow::AllowList;
pub use self::bounds::Bounds;
pub use self::class::{Acknowledge, Class, WhenFull};
pub use self::decision::{Decision, Ruling, Verdict};
pub use self::denials::{DenialRule, DenialRuleError, DenialRuleProblem, DenialRules};
#[cfg(feature = "mcp")]
pub(crate) use self::limits::MAX_DEFINITION;
pub use self::limits::ValueLimits;
pub use self::rules::{
    Begin, CallFacts, Explanation, Halves, InvalidSample, Level, Mismatch, NamedClass, Note, Policy, PolicyBuilder,
    PolicyError, PolicyProblem, Rule, RuleRef, Sample, Treatment, Unmatched,
};
pub(crate) use self::targets::{MappedTarget, TargetSubject};
pub use self::targets::{TargetError, TargetMap, TargetRule};
#[cfg(feature = "mcp")]
pub(crate) use self::truncator::Truncation;
pub(crate) use self::truncator::{Truncations, Truncator};
pub use self::uri::{cleaned, is_uri, without_secrets};
