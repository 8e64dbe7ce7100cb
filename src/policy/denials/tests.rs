//! Which failures the rules take for denials.

use proptest::prelude::*;

use super::{DenialRule, DenialRuleProblem, DenialRules};

fn rules<const N: usize>(all: [DenialRule; N]) -> DenialRules {
    all.into_iter().fold(DenialRules::default(), |rules, rule| rules.rule(rule).unwrap())
}

fn matching<'a>(rules: &'a DenialRules, tool: &str, code: Option<i64>, text: &str) -> Option<&'a str> {
    rules.matching(Some("tools/call"), Some(tool), code, text).map(DenialRule::name)
}

#[test]
fn everything_that_is_set_must_fit_and_the_first_rule_counts() {
    let rules = rules([
        DenialRule::named("both").code(-32003).text("denied").tool("delete_*"),
        DenialRule::named("code").code(-32003),
        DenialRule::named("text").text("Resource not accessible by*token"),
        DenialRule::named("prompts").text("forbidden").method("prompts/*"),
    ]);
    assert_eq!(matching(&rules, "delete_file", Some(-32003), "Permission DENIED: no"), Some("both"));
    assert_eq!(matching(&rules, "read_file", Some(-32003), "permission denied"), Some("code"));
    assert_eq!(matching(&rules, "a", None, "403 resource NOT accessible by personal access token []"), Some("text"));
    assert_eq!(matching(&rules, "a", None, "token: Resource not accessible by"), None, "in this order");
    assert_eq!(matching(&rules, "a", None, "forbidden"), None, "of another method");
    assert_eq!(rules.matching(Some("prompts/get"), None, Some(1), "Forbidden").map(DenialRule::name), Some("prompts"));
    assert_eq!(matching(&rules, "a", Some(-32602), "Unknown tool: a"), None);
    assert_eq!(rules.matching(None, None, None, "").map(DenialRule::name), None);
}

#[test]
fn a_rule_that_matches_everything_or_nothing_is_an_error() {
    let error = |rule| DenialRules::default().rule(rule).unwrap_err();
    let problem = |rule| error(rule).problem;
    assert_eq!(problem(DenialRule::named("").code(1)), DenialRuleProblem::Name);
    assert_eq!(problem(DenialRule::named("a").tool("b")), DenialRuleProblem::Unconditional);
    for text in ["", "*", "**", "no", "a*b*c", "   ", &"x".repeat(2000)] {
        assert_eq!(problem(DenialRule::named("a").text(text)), DenialRuleProblem::Text, "{text:?}");
    }
    assert_eq!(problem(DenialRule::named("a").code(1).tool("*_file")), DenialRuleProblem::Pattern);
    let twice = rules([DenialRule::named("a").code(1)]).rule(DenialRule::named("a").code(2));
    assert_eq!(twice.unwrap_err().problem, DenialRuleProblem::Twice);
    let said = error(DenialRule::named("a").text("*")).to_string();
    assert!(said.starts_with("the denial rule \"a\" cannot be used: its text needs"), "{said}");
}

proptest! {
    /// The oracle tries every place of every piece.
    #[test]
    fn a_pattern_matches_what_a_backtracking_matcher_matches(text in "[aAbB*]{0,12}", pattern in "[ab*]{1,6}") {
        let rule = super::TextPattern::new(&pattern);
        prop_assert_eq!(rule.is_in(&text.to_lowercase()), tries(&format!("*{pattern}*"), &text.to_lowercase()));
    }
}

fn tries(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) if tries(&pattern[1..], text) => true,
        (Some('*'), Some(_)) => tries(pattern, &text[1..]),
        (Some(one), Some(other)) if one == other => tries(&pattern[1..], &text[1..]),
        _ => false,
    }
}
