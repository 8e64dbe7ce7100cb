//! What single rules decide.

use crate::policy::{Begin, CallFacts, Class, Halves, Level, Policy, Rule, Sample};
use crate::record::{Detail, EventName, Outcome};

fn of(rules: impl IntoIterator<Item = Rule>) -> Policy {
    let builder = Policy::builder().class("critical", Class::CRITICAL).class("verified", VERIFIED);
    rules.into_iter().fold(builder, |builder, rule| builder.rule(rule)).build().unwrap()
}

fn tool(name: &str) -> CallFacts<'_> {
    CallFacts { method: Some("tools/call"), tool: Some(name), ..CallFacts::default() }
}

fn read(name: &str) -> CallFacts<'_> {
    CallFacts { read_only: Some(true), ..tool(name) }
}

#[test]
fn without_rules_everything_is_kept_as_metadata() {
    let policy = Policy::default();
    for facts in [CallFacts::default(), tool("a"), read("a")] {
        let Begin::Decided(treatment) = policy.at_begin(&facts) else { panic!("{facts:?}") };
        assert_eq!(
            (treatment.level, treatment.halves, &*treatment.rule.name),
            (Level::Metadata, Halves::Both, "default")
        );
        assert_eq!(policy.at_end(&facts, &Outcome::ok()), treatment);
    }
    assert_eq!(policy.id(), "default");
    assert_eq!(policy.digest(), Policy::builder().build().unwrap().digest());
}

/// Thousands of reads of which a thousandth is kept, and none of the rest left out.
#[test]
fn a_sample_leaves_out_successful_reads_and_nothing_else() {
    let policy = of([Rule::named("few").sample(Sample::one_in(1000).unwrap())]);
    let sampled = policy.at_end(&read("a"), &Outcome::ok());
    assert_eq!(sampled.sample.map(Sample::of), Some(1000));
    let Begin::AfterOutcome { most } = policy.at_begin(&read("a")) else { panic!("a failure is kept") };
    assert_eq!(most.sample, sampled.sample);

    let authn = CallFacts { event: Some(EventName::Authn), ..read("a") };
    let initialize = CallFacts { method: Some("initialize"), ..CallFacts::default() };
    let unknown = CallFacts { read_only: None, ..read("a") };
    let write = CallFacts { read_only: Some(false), ..read("a") };
    for facts in [authn, initialize, unknown, write, CallFacts::default()] {
        let Begin::Decided(treatment) = policy.at_begin(&facts) else { panic!("{facts:?}") };
        assert_eq!(treatment.sample, None, "{facts:?}");
        assert_eq!(policy.at_end(&facts, &Outcome::ok()).sample, None, "{facts:?}");
    }
    for detail in Detail::all().filter(|detail| *detail != Detail::Ok) {
        assert_eq!(policy.at_end(&read("a"), &Outcome::of(detail)).sample, None, "{detail:?}");
    }
}

/// Ids of one second differ in their last bits, and traces in all.
#[test]
fn a_sample_keeps_its_share_and_one_fate_for_each_id() {
    let sample = Sample::one_in(10).unwrap();
    let kept = |id: fn(u128) -> u128| (0..100_000).filter(|number| sample.keeps(id(*number).to_be_bytes())).count();
    for kept in [
        kept(|number| number),
        kept(|number| number << 64),
        kept(|number| (0x0193_8a00_0000_7000_8000_u128 << 48) | number),
        kept(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c4a_9c3b_1d2f)),
    ] {
        assert!((9_500..10_500).contains(&kept), "{kept}");
    }
    // These are on the records of others: the sample of a version must be that of the next.
    let fates: Vec<bool> = (0..20_u128).map(|number| Sample::one_in(3).unwrap().keeps(number.to_be_bytes())).collect();
    let kept: Vec<_> = fates.iter().enumerate().filter(|(_, kept)| **kept).map(|(number, _)| number).collect();
    assert_eq!(kept, KEPT);
}

/// A rule that names what it leaves out may leave out failures; a default may not.
#[test]
fn a_default_of_none_leaves_out_successful_reads_only() {
    let default = of([Rule::default().level(Level::None)]);
    let named = of([Rule::default().tool("*").level(Level::None)]);
    for (facts, outcome, expected) in [
        (read("a"), Outcome::ok(), Level::None),
        (read("a"), Outcome::of(Detail::Denied), Level::Metadata),
        (tool("a"), Outcome::ok(), Level::Metadata),
        (CallFacts { event: Some(EventName::Authn), ..CallFacts::default() }, Outcome::ok(), Level::Metadata),
    ] {
        assert_eq!(default.at_end(&facts, &outcome).level, expected, "{facts:?}");
        let expected = if facts.tool.is_some() { Level::None } else { Level::Metadata };
        assert_eq!(named.at_end(&facts, &outcome).level, expected, "{facts:?}");
    }
    assert_eq!(named.at_begin(&tool("a")), Begin::Decided(named.at_end(&tool("a"), &Outcome::ok())));
    let any = of([Rule::default().method("*").level(Level::None)]);
    assert_eq!(any.at_end(&tool("a"), &Outcome::ok()).level, Level::Metadata, "any method names none");
}

#[test]
fn a_rule_on_the_outcome_keeps_the_request_until_it_is_known() {
    let policy = of([
        Rule::named("failed").outcome("failure").level(Level::Full).class("critical"),
        Rule::named("rest").tool("*").level(Level::None),
    ]);
    let Begin::AfterOutcome { most } = policy.at_begin(&tool("a")) else { panic!("nobody knows") };
    assert_eq!((most.level, most.sample), (Level::Full, None));
    assert_eq!(most.class.map(|class| class.class), Some(Class::CRITICAL));
    assert_eq!(policy.at_end(&tool("a"), &Outcome::of(Detail::ToolError)).level, Level::Full);
    assert_eq!(policy.at_end(&tool("a"), &Outcome::ok()).level, Level::None);
    assert_eq!(policy.at_end(&tool("a"), &Outcome::of(Detail::Cancelled)).level, Level::None);
}

/// A policy with more rules than a word has bits.
#[test]
fn the_first_of_many_rules_decides() {
    let exact = (0..150).map(|number| Rule::named(format!("t{number}")).tool(format!("tool_{number}")));
    let beginnings =
        (0..150).rev().map(|number| Rule::named(format!("p{number}")).tool(format!("tool_{number}*")).actor("ada"));
    let policy = of(exact.chain(beginnings).chain([Rule::named("rest")]));
    let decides = |name: &str, actor| {
        let facts = CallFacts { actor, ..tool(name) };
        policy.at_end(&facts, &Outcome::ok()).rule.name.to_string()
    };
    for number in 0..150 {
        assert_eq!(decides(&format!("tool_{number}"), None), format!("t{number}"));
        assert_eq!(decides(&format!("tool_{number}x"), Some("ada")), format!("p{number}"));
        assert_eq!(decides(&format!("tool_{number}x"), Some("bob")), "rest");
    }
    assert_eq!(decides("tool_1499", Some("ada")), "p149");
    assert_eq!(decides("tool_15", Some("ada")), "t15");
    assert_eq!(decides("too", Some("ada")), "rest");
}

/// Everything that a policy says changes its digest; what it is called, and where it stands, does not.
#[test]
fn the_digest_is_of_what_the_policy_says() {
    let base = || Rule::named("a").tool("a");
    let variants = [
        base(),
        Rule::named("b").tool("a"),
        base().tool("b"),
        base().tool("a*"),
        base().actor("a"),
        base().tenant("a"),
        base().method("tools/call"),
        base().read_only(true),
        base().read_only(false),
        base().destructive(true),
        base().idempotent(true),
        base().open_world(true),
        base().outcome("failure"),
        base().direction(crate::record::Direction::ClientToServer),
        base().level(Level::Full),
        base().halves(Halves::Response),
        base().class("critical"),
        base().class("verified"),
        base().sample(Sample::one_in(2).unwrap()),
        base().sample(Sample::one_in(3).unwrap()),
        Rule::named("a").prompt("a"),
        Rule::named("a").resource("a"),
    ];
    let mut digests: Vec<_> = variants.iter().map(|rule| of([rule.clone()]).digest().to_owned()).collect();
    digests.push(of([base(), Rule::named("b")]).digest().to_owned());
    digests.push(of([Rule::named("b").tool("b"), base()]).digest().to_owned());
    digests.push(of([base(), Rule::named("b").tool("b")]).digest().to_owned());
    digests.push(Policy::builder().rule(base()).build().unwrap().digest().to_owned());
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
    assert!(digests.iter().all(|digest| digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64)));
    let elsewhere = Policy::builder().id("x").class("critical", Class::CRITICAL).class("verified", VERIFIED);
    assert_eq!(elsewhere.rule(base().at_line(9)).build().unwrap().digest(), of([base()]).digest());
}

const VERIFIED: Class = Class::CRITICAL.requires_verified_actor();
/// Computed by another program (splitmix64 in Python).
const KEPT: [usize; 5] = [0, 8, 11, 15, 18];
