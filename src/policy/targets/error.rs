//! A mistake in a rule.

/// A mistake in a rule of a [`TargetMap`](super::map::TargetMap).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("target rule {rule}: {problem}")]
#[non_exhaustive]
pub struct TargetError {
    /// The number of the rule, from 1.
    pub rule: usize,
    /// The problem, and what would be right. It repeats no value.
    pub problem: &'static str,
}
