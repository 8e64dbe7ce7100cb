//! Policies that cannot be used.

use crate::policy::{Class, Level, Policy, Rule, Sample};

#[test]
fn each_mistake_says_what_would_be_right() {
    let sample = Sample::one_in(10).unwrap();
    for (rules, expected) in [
        (
            vec![Rule::default().tool("*a")],
            "rule 1 of the policy: `tool`: a pattern of its `match` has a * that is not at its end",
        ),
        (vec![Rule::default().actor("")], "rule 1 of the policy: `actor`: the pattern is empty"),
        (
            vec![Rule::default().resource("https://a/?b=*")],
            "rule 1 of the policy: `resource`: records have URIs without",
        ),
        (
            vec![Rule::default(), Rule::default().tool("a")],
            "rule 2 of the policy: it can never match: the earlier rule `rule-1` matches everything that it would",
        ),
        (
            vec![Rule::default().read_only(true), Rule::default().read_only(false), Rule::default().tool("a")],
            "rule 3 of the policy: it can never match: the earlier rules `rule-1`, `rule-2` match everything",
        ),
        (
            vec![Rule::named("a").tool("a*").at_line(4), Rule::named("ab").tool("ab").actor("x")],
            "rule 2 of the policy: it can never match: the earlier rule `a` (line 4) matches everything that it would",
        ),
        (
            vec![Rule::default().method("prompts/get").tool("a")],
            "it can never match: calls with `tool` have the method tools/call, and `method` asks for another",
        ),
        (
            vec![Rule::default().read_only(true).prompt("a")],
            "calls with `read_only` have the method tools/call, and `prompt` asks for another",
        ),
        (vec![Rule::default().prompt("a").method("resources/*")], "calls with `prompt` have the method prompts/get"),
        (
            vec![Rule::default().class("criticl")],
            "`class`: no class has that name; write a [class.NAME] for it, or use one of: [class.critical], [class.verified]; \
             did you mean `critical`?",
        ),
        (
            vec![Rule::default().outcome("failed")],
            "expected one of `success`, `failure`, `unknown`, `ok`, `tool_error`",
        ),
        (vec![Rule::default().outcome("faliure")], "`task`; did you mean `failure`?"),
        (vec![Rule::named("")], "`name`: a rule needs a name of 1 to 128 characters"),
        (
            vec![Rule::named("a").tool("a"), Rule::named("a")],
            "rule 2 of the policy: `name`: another rule has that name",
        ),
        (vec![Rule::named("default")], "`name`: another rule has that name, or none matches by that name"),
        (vec![Rule::default().sample(sample).outcome("failure")], "and `outcome` asks for others; remove it"),
        (vec![Rule::default().sample(sample).read_only(false)], "and `read_only = false` asks for others"),
        (vec![Rule::default().sample(sample).method("initialize")], "and its method does not only read"),
        (
            vec![Rule::default().sample(sample).tool("a").level(Level::None)],
            "and `level = \"none\"` keeps none of them",
        ),
        (vec![Rule::default().outcome("denied").level(Level::None)], "`level`: `none` has no effect"),
        (vec![Rule::default().outcome("denied").class("verified")], "`class`: the class refuses calls before they run"),
    ] {
        let builder = Policy::builder()
            .class("critical", Class::CRITICAL)
            .class("verified", Class::CRITICAL.requires_verified_actor());
        let error = rules.iter().cloned().fold(builder, |builder, rule| builder.rule(rule)).build().unwrap_err();
        assert!(error.to_string().contains(expected), "{rules:?}\n  gives {error}\n  not   {expected}");
    }
    let many =
        (0..5000).fold(Policy::builder(), |builder, number| builder.rule(Rule::default().tool(format!("t{number}"))));
    assert!(many.build().unwrap_err().to_string().contains("rule 4097 of the policy: there are more than 4096 rules"));
}
