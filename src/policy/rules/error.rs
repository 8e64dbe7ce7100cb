//! Why a policy cannot be used.

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} of the policy: {problem}")]
#[non_exhaustive]
pub struct PolicyError {
    /// The number of the rule, from 1.
    pub rule: usize,
    /// The key of the rule that is wrong, if it is one.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub problem: PolicyProblem,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// A star that is not at the end of a pattern would look like one that works.
    #[error("the pattern has a * that is not at its end: write the beginning of a name and *")]
    Pattern,
    /// No class has that name.
    #[error("no class has that name")]
    UnknownClass,
    /// It is no outcome.
    #[error("it is no outcome: write success, failure or unknown, or a detail such as denied")]
    UnknownOutcome,
}
