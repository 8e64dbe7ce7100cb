//! Why a policy cannot be used.

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} of the policy: {}{problem}", quoted(.key))]
#[non_exhaustive]
pub struct PolicyError {
    /// The number of the rule, from 1.
    pub rule: usize,
    /// The key of the rule that is wrong; `None` if the rule as a whole is.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub problem: PolicyProblem,
}

/// What is wrong with a rule. No text repeats a value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// A star that is not at the end of a pattern would look like one that works.
    #[error("a pattern of its `match` has a * that is not at its end; write the beginning of a name and *")]
    Pattern,
    /// An empty pattern.
    #[error("the pattern is empty, so it matches nothing; leave the key out to match everything")]
    Empty,
    /// What is cut from URIs before rules see them.
    #[error(
        "records have URIs without user, query and fragment, so it never matches; end it before the ? or # and write *"
    )]
    NotOnRecords,
    /// No class has that name.
    #[error("no class has that name; write a [class.NAME] for it, or use one of: {}{}", listed(.known), advice(.nearest))]
    UnknownClass {
        /// The names of the classes.
        known: Vec<String>,
        /// The one that may be meant.
        nearest: Option<String>,
    },
    /// It is no outcome.
    #[error("unknown value, expected one of `success`, `failure`, `unknown`, {}{}", .details.join(", "), advice(.nearest))]
    UnknownOutcome {
        /// The details of outcomes, quoted.
        details: Vec<String>,
        /// The one that may be meant.
        nearest: Option<String>,
    },
    /// Its name is empty, too long, or taken.
    #[error("a rule needs a name of 1 to {MAX_NAME} characters, which is on records; leave it out to have one made")]
    Name,
    /// Another rule has its name.
    #[error(
        "another rule has that name, or none matches by that name; give each its own, because records name the rule"
    )]
    Twice,
    /// Two of its keys are never together in one call.
    #[error("it can never match: calls with `{one}` have the method {method}, and `{other}` asks for another")]
    Contradiction {
        /// The key that has one method.
        one: &'static str,
        /// Its method.
        method: &'static str,
        /// The key that rules it out.
        other: &'static str,
    },
    /// Earlier rules match everything that it does.
    #[error("it can never match: {} everything that it would; put it before, or remove it", earlier(.by))]
    Shadowed {
        /// The names of these rules, and their lines, if they have any.
        by: Vec<(String, Option<usize>)>,
    },
    /// Its sample has no effect.
    #[error("it has no effect: a sample leaves out only successful reads, and {why}; remove it")]
    Sample {
        /// Why there are none.
        why: &'static str,
    },
    /// Its level has no effect.
    #[error(
        "`none` has no effect: without a method, tool, prompt, resource, actor or tenant only successful reads are left out; name what is not to be recorded"
    )]
    SuppressesNothing,
    /// Its class would have to decide before the outcome is known.
    #[error(
        "the class refuses calls before they run, and the outcome is known only afterwards; remove requires_verified_actor or `outcome`"
    )]
    ClassTooLate,
    /// There are too many rules.
    #[error("there are more than {MAX_RULES} rules; write patterns that match more")]
    TooMany,
}

fn quoted(key: &Option<&str>) -> String {
    key.map_or_else(String::new, |key| format!("`{key}`: "))
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        return "there is none".into();
    }
    known.iter().map(|name| format!("[class.{name}]")).collect::<Vec<_>>().join(", ")
}

fn advice(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

fn earlier(by: &[(String, Option<usize>)]) -> String {
    let told: Vec<_> = by
        .iter()
        .take(MOST_TOLD)
        .map(|(name, line)| match line {
            Some(line) => format!("`{name}` (line {line})"),
            None => format!("`{name}`"),
        })
        .collect();
    let more = if by.len() > MOST_TOLD { format!(" and {} more", by.len() - MOST_TOLD) } else { String::new() };
    match by.len() {
        1 => format!("the earlier rule {} matches", told.join("")),
        _ => format!("the earlier rules {}{more} match", told.join(", ")),
    }
}

/// What records show of a name; one that is longer would be cut.
pub(super) const MAX_NAME: usize = 128;
/// Each rule takes a bit for each name of all rules: with names in all keys, so many take twelve megabytes.
pub(super) const MAX_RULES: usize = 4096;
/// Of rules that shadow another one.
const MOST_TOLD: usize = 5;
