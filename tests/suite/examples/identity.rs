//! The example with an OAuth issuer: a person, her agent, a denied call, and a token that has expired.

#[path = "../../../examples/identity/issuer.rs"]
mod issuer;
#[path = "../../../examples/identity/scene.rs"]
mod scene;

pub(super) use self::scene::weather;

use std::time::Duration;

use auditrail::assert_audited;
use auditrail::record::Value;
use auditrail::testing::{AuditRecord, TestTrail};

use super::sample;

#[tokio::test]
async fn the_person_her_agent_and_a_denied_call_are_told_apart() {
    let issuer = issuer::Issuer::start().await.unwrap();
    let (builder, keys) = scene::trail(&issuer).unwrap();
    let trail = TestTrail::of(builder).patience(Duration::from_secs(60));
    tokio::time::timeout(Duration::from_secs(60), keys).await.unwrap();
    let _scope = trail.set_default();
    scene::play(&trail, &issuer).await.unwrap();
    trail.settled().await;

    let agent = "gen_ai.agent.id";
    assert_audited!(trail, tool = "current_weather", actor = "alice", verified = true, outcome = success);
    assert_audited!(
        trail,
        tool = "forecast",
        actor = "alice",
        verified = true,
        "gen_ai.agent.id" = "travel-agent",
        "auditrail.actor.delegation" = ["travel-agent"],
        "auditrail.actor.source" = "jwt",
        "auditrail.tenant.id" = "acme",
        outcome = success
    );
    assert_audited!(
        trail,
        tool = "delete_station",
        actor = "alice",
        "gen_ai.agent.id" = "travel-agent",
        detail = denied,
        decision = deny,
        rule = "no-agent-deletes"
    );
    assert_audited!(trail, tool = "delete_station", actor = "alice", verified = true, outcome = success);
    assert_audited!(trail, tool = "current_weather", verified = false, "auditrail.actor.unverified_reason" = "expired");
    assert_audited!(trail, method = "tools/call", count = 5);

    let records = trail.records();
    let own: Vec<_> = records.iter().filter(|record| record.tool() == Some("current_weather")).collect();
    assert!(own.iter().all(|record| record.get(agent).is_none()), "no agent acts where she calls");
    let shown = format!("{records:?}");
    assert!(!shown.contains("eyJ"), "no token is on a record");
    assert!(
        records.iter().all(|record| !matches!(record.text("auditrail.token.issuer"), Some(url) if url != issuer.url()))
    );
    let by_agent = |record: &&AuditRecord| record.phase() == Some("response") && record.get(agent).is_some();
    let by_agent: Vec<_> = records.iter().filter(by_agent).collect();
    let of_tool = |tool| *by_agent.iter().find(|record| record.tool() == Some(tool)).unwrap();
    sample::compare_json(of_tool("forecast"));
    sample::compare_readme(of_tool("delete_station"));
    let digests: Vec<_> = records.iter().filter_map(|record| record.get("auditrail.token.id_digest")).collect();
    assert!(
        !digests.is_empty()
            && digests.iter().all(|digest| matches!(digest, Value::Str(text) if !text.contains("alice")))
    );
}
