//! Random policies and random calls, judged by [`super::naive`].

use proptest::prelude::*;

use super::naive::{Kept, LEVELS, Written, kept, some_facts, some_rule};
use crate::policy::{Begin, CallFacts, Class, Level, Policy, PolicyProblem, Treatment};
use crate::record::{Detail, Outcome, Status};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is decided, and what is explained, is what the pages say.
    #[test]
    fn a_policy_decides_as_its_rules_are_written(
        rules in prop::collection::vec(some_rule(), 0..40),
        calls in prop::collection::vec(some_facts(), 1..40),
    ) {
        let (policy, rules) = usable(rules);
        for facts in &calls {
            let begin = policy.at_begin(facts);
            for outcome in outcomes() {
                let treatment = policy.at_end(facts, &outcome);
                let wanted = kept(&rules, facts, &outcome);
                prop_assert_eq!(said(&treatment, &rules), wanted, "{:?} {:?}", facts, outcome);
                check_begin(&begin, &treatment)?;

                let explanation = policy.explain(facts, Some(&outcome));
                prop_assert_eq!(&explanation.treatment, &treatment);
                prop_assert_eq!(&explanation.begin, &begin);
                let decides = kept(&rules, facts, &outcome).rule.unwrap_or(rules.len());
                prop_assert_eq!(explanation.earlier.len(), decides);
                for (rule, unmatched) in rules.iter().zip(&explanation.earlier) {
                    let mut keys: Vec<_> = unmatched.keys.iter().map(|mismatch| mismatch.key).collect();
                    let mut differs = rule.differs(facts, &outcome);
                    keys.sort_unstable();
                    differs.sort_unstable();
                    prop_assert_eq!(keys, differs, "{:?} {:?}", facts, rule);
                }
            }
        }
    }

    /// A rule that is refused because it can never match decides about no call, and one that is not decides about some.
    #[test]
    fn a_rule_is_refused_if_and_only_if_it_can_never_match(rules in prop::collection::vec(small_rule(), 1..7)) {
        let (policy, used, refused) = sorted(rules);
        let calls = small_calls();
        for number in 0..used.len() {
            let decides = |facts: &CallFacts<'_>| outcomes().iter().any(|outcome| kept(&used, facts, outcome).rule == Some(number));
            prop_assert!(calls.iter().any(decides), "{:?} of {:?}", used[number], used);
        }
        for with in refused {
            let earlier = with.len() - 1;
            let decides = |facts: &CallFacts<'_>| outcomes().iter().any(|outcome| kept(&with, facts, outcome).rule == Some(earlier));
            let found = calls.iter().find(|facts| decides(facts));
            prop_assert!(found.is_none(), "{:?} decides about {:?}", with, found);
        }
        prop_assert_eq!(policy.rules(), used.len());
    }
}

/// What is decided at the beginning is what is decided in the end, or enough for it.
fn check_begin(begin: &Begin, end: &Treatment) -> Result<(), TestCaseError> {
    match begin {
        Begin::Decided(decided) => prop_assert_eq!(decided, end),
        Begin::AfterOutcome { most } => {
            prop_assert!(most.level >= end.level && most.halves >= end.halves);
            if let (Some(most), Some(end)) = (&most.class, &end.class) {
                prop_assert!(most.class.acknowledge >= end.class.acknowledge);
                prop_assert!(most.class.when_full >= end.class.when_full);
            }
            prop_assert!(most.class.is_some() || end.class.is_none());
            if let Some(sample) = most.sample {
                // Only the sample is open: what it keeps may be written when the call begins.
                prop_assert!(end.sample.is_none_or(|other| other == sample));
                prop_assert!(end.level != Level::None);
            }
        }
    }
    Ok(())
}

fn said(treatment: &Treatment, rules: &[Written]) -> Kept {
    let rule = (0..rules.len()).find(|number| *treatment.rule.name == *format!("r{number}"));
    Kept {
        rule,
        level: LEVELS.iter().position(|level| *level == treatment.level).unwrap(),
        response_only: treatment.halves == crate::policy::Halves::Response,
        class: treatment.class.as_ref().map(|class| if &*class.name == "light" { "light" } else { "critical" }),
        sample: treatment.sample.is_some(),
    }
}

/// The policy of those rules that can be used.
fn usable(rules: Vec<Written>) -> (Policy, Vec<Written>) {
    let (policy, rules, _) = sorted(rules);
    (policy, rules)
}

/// And those that can never match, each behind the rules that stood before it.
fn sorted(mut rules: Vec<Written>) -> (Policy, Vec<Written>, Vec<Vec<Written>>) {
    let mut refused = Vec::new();
    loop {
        let mut builder = Policy::builder().class("light", Class::default()).class("critical", Class::CRITICAL);
        for (number, rule) in rules.iter().enumerate() {
            builder = builder.rule(rule.rule(number));
        }
        match builder.build() {
            Ok(policy) => return (policy, rules, refused),
            Err(error) => {
                if matches!(error.problem, PolicyProblem::Shadowed { .. } | PolicyProblem::Contradiction { .. }) {
                    refused.push(rules[..error.rule].to_vec());
                }
                rules.remove(error.rule - 1);
            }
        }
    }
}

fn outcomes() -> Vec<Outcome> {
    let details = [Detail::Ok, Detail::Denied, Detail::ToolError, Detail::Cancelled, Detail::Task].map(Outcome::of);
    let statuses = [Status::Success, Status::Failure, Status::Unknown].map(Outcome::status);
    details.into_iter().chain(statuses).collect()
}

fn small_rule() -> impl Strategy<Value = Written> {
    let pattern = || prop::option::of(prop::sample::select(&["a", "ab", "a*", "ab*", "*"][..]));
    let method = prop::option::weighted(0.4, prop::sample::select(&["tools/call", "tools/*", "prompts/get", "*"][..]));
    let outcome = prop::option::weighted(0.4, prop::sample::select(&["success", "failure", "unknown", "denied"][..]));
    let hint = || prop::option::weighted(0.4, any::<bool>());
    (method, pattern(), pattern(), hint(), hint(), outcome).prop_map(
        |(method, tool, actor, read_only, from_server, outcome)| Written {
            method,
            tool,
            actor,
            read_only,
            from_server,
            outcome,
            level: 1,
            ..Written::default()
        },
    )
}

/// Every call that the small rules can tell apart.
fn small_calls() -> Vec<CallFacts<'static>> {
    let names = [None, Some("a"), Some("ab"), Some("ax"), Some("abx"), Some("x")];
    let directions =
        [None, Some(crate::record::Direction::ClientToServer), Some(crate::record::Direction::ServerToClient)];
    let mut calls = Vec::new();
    for method in [None, Some("tools/call"), Some("tools/x"), Some("prompts/get"), Some("x")] {
        for tool in names {
            for actor in names {
                for read_only in [None, Some(true)] {
                    for direction in directions {
                        calls.push(CallFacts { method, tool, actor, read_only, direction, ..CallFacts::default() });
                    }
                }
            }
        }
    }
    calls
}
