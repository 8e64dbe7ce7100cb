//! `level = "none"`: no record of the call, and the count of what is left out.

use auditrail::policy::{Level, Policy, Rule};
use auditrail::record::{Value, names};

use super::rig::{Policed, Route, call, gaps, halves, int};
use crate::support::Bench;
use crate::tapped::Wire;

fn quiet() -> Policy {
    Policy::builder().id("shop").rule(Rule::named("quiet").tool("look*").level(Level::None)).build().unwrap()
}

#[tokio::test]
async fn a_call_at_level_none_leaves_no_record_on_any_route_and_is_counted_and_told() {
    for route in Route::ALL {
        let policed = Policed::by(quiet()).await;
        call(route, &policed.trail, &["look", "put", "look-fails"]).await;
        let records = policed.records().await;
        assert_eq!(halves(&records), [("put", "request"), ("put", "response")], "{route:?}");
        let digest = quiet().digest().to_owned();
        for record in records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("put")) {
            if record.text(names::AUDITRAIL_PHASE).is_some() {
                assert_eq!(record.text(names::AUDITRAIL_POLICY_DIGEST), Some(&*digest), "{route:?}: {record:#?}");
            }
        }
        assert_eq!(policed.counts().suppressed, 4, "{route:?}");
        let all = policed.ended().await;
        assert_eq!(gaps(&all), [("suppressed", 4, "quiet", &*digest)], "{route:?}");
        let stopped = all.last().unwrap();
        assert_eq!(stopped.text(names::AUDITRAIL_LIFECYCLE_STATE), Some("stopped"));
        let count = |name| int(stopped, name);
        assert_eq!(count(names::AUDITRAIL_RECORDS_SUPPRESSED), 4, "{route:?}");
        assert_eq!(
            count(names::AUDITRAIL_RECORDS_EMITTED),
            count(names::AUDITRAIL_RECORDS_ACKNOWLEDGED) + 4,
            "{route:?}: {stopped:#?}"
        );
    }
}

/// A rule that names nothing is a default.
#[tokio::test]
async fn a_default_leaves_out_reads_that_succeed_and_nothing_else() {
    for route in Route::ALL {
        let policed =
            Policed::by(Policy::builder().rule(Rule::named("rest").level(Level::None)).build().unwrap()).await;
        call(route, &policed.trail, &["look", "put", "look-fails", "put-fails"]).await;
        let expected = ["put", "look-fails", "put-fails"];
        let expected: Vec<_> = expected.iter().flat_map(|tool| [(*tool, "request"), (*tool, "response")]).collect();
        assert_eq!(halves(&policed.records().await), expected, "{route:?}");
    }
}

#[tokio::test]
async fn without_rules_nothing_is_different() {
    for route in Route::ALL {
        let policed = Policed::by(Policy::default()).await;
        call(route, &policed.trail, &["look"]).await;
        let records = policed.records().await;
        assert_eq!(halves(&records), [("look", "request"), ("look", "response")], "{route:?}");
        assert!(records.iter().all(|record| record.get(names::AUDITRAIL_POLICY_DIGEST).is_none()));
        let all = policed.ended().await;
        assert!(all.iter().all(|record| record.event_name != "auditrail.policy"));
        assert_eq!(gaps(&all), []);
    }
}

#[tokio::test]
async fn notifications_can_be_left_out_too() {
    let policy = Policy::builder().rule(Rule::named("talk").method("notifications/progress").level(Level::None));
    let bench = Bench::with(|builder| builder.policy(policy.build().unwrap()));
    let mut wire = Wire::new(&bench.trail);
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#)
        .await;
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let records = bench.records();
    let methods: Vec<_> = records.iter().filter_map(|record| record.text(names::MCP_METHOD_NAME)).collect();
    assert_eq!(methods, ["notifications/initialized"]);
    assert_eq!(bench.trail.counts().suppressed, 1);
    bench.trail.report_counts();
    let all = bench.all_records();
    assert_eq!(gaps(&all).iter().map(|gap| (gap.0, gap.1, gap.2)).collect::<Vec<_>>(), [("suppressed", 1, "talk")]);
    let running = all.iter().find(|record| record.text(names::AUDITRAIL_LIFECYCLE_STATE) == Some("running")).unwrap();
    assert_eq!(running.get(names::AUDITRAIL_RECORDS_SUPPRESSED), Some(&Value::Int(1)));
}
