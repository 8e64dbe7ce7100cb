//! The class of a call comes from its rule, and the records of decisions name the policy.

use auditrail::policy::{Decision, Level, Policy, Rule};
use auditrail::record::{Record, names};
use auditrail::trail::{Actor, Call, Class, RefusalKind, WhenFull};

use super::rig::{Policed, halves};

fn strict() -> Policy {
    let verified = Class::default().requires_verified_actor();
    Policy::builder()
        .id("strict")
        .class("known", verified)
        .rule(Rule::named("put").tool("put*").class("known"))
        .rule(Rule::named("quiet").tool("look*").level(Level::None))
        .build()
        .unwrap()
}

fn decision(records: &[Record]) -> &Record {
    let mut decisions = records.iter().filter(|record| record.event_name == "auditrail.authz");
    let decision = decisions.next().unwrap_or_else(|| panic!("{records:#?}"));
    assert!(decisions.next().is_none(), "{records:#?}");
    decision
}

fn named(record: &Record) -> (Option<&str>, Option<&str>) {
    (record.text(names::AUDITRAIL_POLICY_ID), record.text(names::AUDITRAIL_POLICY_DIGEST))
}

#[tokio::test]
async fn a_refusal_by_the_class_of_a_rule_names_the_policy() {
    let policed = Policed::with(|builder| builder.policy(strict()).classify(|_| Class::default())).await;
    let refused = policed.trail.begin(Call::mcp("tools/call").tool("put")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Unverified);
    let records = policed.records().await;
    assert_eq!(halves(&records), [("put", "request"), ("put", "response")]);
    let digest = strict().digest().to_owned();
    let decision = decision(&records);
    assert_eq!(named(decision), (Some("strict"), Some(&*digest)));
    assert_eq!(decision.text(names::AUDITRAIL_DECISION_SOURCE), Some("class"));
    let response = records.last().unwrap();
    assert_eq!(response.text(names::AUDITRAIL_OUTCOME_DETAIL), Some("denied"));
}

#[tokio::test]
async fn where_a_rule_names_no_class_the_hook_counts() {
    let hook = |_: &Call| Class { when_full: WhenFull::Refuse, ..Class::default() }.requires_verified_actor();
    let policed = Policed::with(|builder| builder.policy(strict()).classify(hook)).await;
    let refused = policed.trail.begin(Call::mcp("tools/call").tool("other")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Unverified);
}

#[tokio::test]
async fn a_denied_call_at_level_none_still_has_the_record_of_the_decision() {
    let policed = Policed::with(|builder| builder.policy(strict()).authorize(|_| Decision::deny("closed"))).await;
    let refused = policed.trail.begin(Call::mcp("tools/call").tool("look").actor(Actor::verified("alice"))).await;
    assert_eq!(refused.unwrap_err().kind, RefusalKind::Denied);
    let records = policed.records().await;
    assert_eq!(halves(&records), []);
    let digest = strict().digest().to_owned();
    assert_eq!(named(decision(&records)), (Some("strict"), Some(&*digest)));
    assert_eq!(policed.counts().suppressed, 2);
}

/// What another engine decides by, it names itself.
#[tokio::test]
async fn a_decision_that_names_a_policy_of_its_own_is_left_alone() {
    let deny = |_: &Call| Decision::deny("closed").under_policy("cedar", "sha256:cedar");
    let policed = Policed::with(|builder| builder.policy(strict()).authorize(deny)).await;
    let call = Call::mcp("tools/call").tool("other").actor(Actor::verified("alice"));
    let _refused = policed.trail.begin(call).await.unwrap_err();
    let records = policed.records().await;
    assert_eq!(named(decision(&records)), (Some("cedar"), Some("sha256:cedar")));
    let own = strict().digest().to_owned();
    let response = records.last().unwrap();
    assert_eq!(named(response), (Some("cedar"), Some("sha256:cedar")), "{own} {response:#?}");
}
