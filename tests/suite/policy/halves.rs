//! `halves = "response"`, and rules on the outcome: the request half is an intent until the outcome is known.

use auditrail::policy::{Halves, Level, Policy, Rule};
use auditrail::record::{Clock as _, Detail, Outcome, SystemClock, names};
use auditrail::trail::Call;

use super::rig::{Policed, Route, call, gaps, halves, number};

#[tokio::test]
async fn only_the_response_is_kept_on_every_route() {
    for route in Route::ALL {
        let brief = Rule::named("brief").tool("look*").halves(Halves::Response);
        let policed = Policed::by(Policy::builder().rule(brief).build().unwrap()).await;
        call(route, &policed.trail, &["look", "put", "look-fails"]).await;
        let expected = [("look", "response"), ("put", "request"), ("put", "response"), ("look-fails", "response")];
        assert_eq!(halves(&policed.records().await), expected, "{route:?}");
        assert_eq!(policed.counts().suppressed, 2, "{route:?}");
        let all = policed.ended().await;
        let told: Vec<_> = gaps(&all).iter().map(|gap| (gap.0, gap.1, gap.2)).collect();
        assert_eq!(told, [("suppressed", 2, "brief")], "{route:?}");
    }
}

#[tokio::test]
async fn a_rule_on_the_outcome_keeps_both_halves_of_what_it_does_not_leave_out() {
    for route in Route::ALL {
        let good = Rule::named("good").tool("p*").outcome("success").level(Level::None);
        let policed = Policed::by(Policy::builder().rule(good).build().unwrap()).await;
        call(route, &policed.trail, &["put", "put-fails", "look"]).await;
        let records = policed.records().await;
        let expected = [("put-fails", "request"), ("put-fails", "response"), ("look", "request"), ("look", "response")];
        assert_eq!(halves(&records), expected, "{route:?}");
        let of_put: Vec<_> = records
            .iter()
            .filter(|record| super::rig::half(record).is_some_and(|half| half.0 == "put-fails"))
            .collect();
        let (request, response) = (of_put[0], of_put[1]);
        assert!(number(request) < number(response), "{route:?}");
        assert!(request.time_unix_nano <= response.time_unix_nano, "{route:?}");
        assert_eq!(request.text(names::AUDIT_OUTCOME), Some("unknown"), "{route:?}");
        assert_eq!(request.get("auditrail.intent"), None, "{route:?}: the mark is none of the record");
        assert_eq!(request.text(names::AUDITRAIL_CALL_ID), response.text(names::AUDITRAIL_CALL_ID), "{route:?}");
        assert_eq!(policed.counts().suppressed, 2, "{route:?}");
        let numbers: Vec<_> = policed.ended().await.iter().map(number).collect();
        assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "{route:?}: an intent takes no number");
    }
}

/// The request record says when the call began, although it is written at the end, and nothing that became known meanwhile.
#[tokio::test]
async fn a_late_request_record_has_its_own_time_and_facts() {
    let fails = Rule::named("fails").outcome("success").tool("*").level(Level::None);
    let policed = Policed::by(Policy::builder().rule(fails).build().unwrap()).await;
    let before = SystemClock.unix_nano();
    let open = policed.trail.begin(Call::mcp("tools/call").tool("put")).await.unwrap();
    let begun = SystemClock.unix_nano();
    // What comes between is a record of its own, so that time passes by more than a reading of the clock.
    policed.trail.flush(super::rig::PATIENCE).await.unwrap();
    open.enrich("auditrail.compliance.purpose", "billing");
    open.finish(Outcome::of(Detail::ToolError)).await;
    let records = policed.records().await;
    assert_eq!(halves(&records), [("put", "request"), ("put", "response")]);
    assert!(
        (before..=begun).contains(&records[0].time_unix_nano),
        "{} {:?}",
        records[0].time_unix_nano,
        before..=begun
    );
    assert!(records[1].time_unix_nano >= begun);
    assert_eq!(records[0].text(names::AUDITRAIL_COMPLIANCE_PURPOSE), None);
    assert_eq!(records[1].text(names::AUDITRAIL_COMPLIANCE_PURPOSE), Some("billing"));
}

/// The end of a trail answers open calls, and the policy decides about them like about others.
#[tokio::test]
async fn a_call_that_is_open_at_the_end_keeps_both_halves_unless_a_rule_names_its_outcome() {
    let good = Rule::named("good").tool("*").outcome("success").level(Level::None);
    let policed = Policed::by(Policy::builder().rule(good).build().unwrap()).await;
    let open = policed.trail.begin(Call::mcp("tools/call").tool("put")).await.unwrap();
    let all = policed.ended().await;
    drop(open);
    assert_eq!(halves(&all), [("put", "request"), ("put", "response")]);
    let response = all.iter().find(|record| record.text(names::AUDITRAIL_PHASE) == Some("response")).unwrap();
    assert_eq!(response.text(names::AUDITRAIL_OUTCOME_DETAIL), Some("interrupted"));
}
