//! Sampling of successful reads: whole calls, alike wherever the trace and the policy are the same.

use std::collections::BTreeSet;

use auditrail::Trail;
use auditrail::policy::{Policy, Rule, Sample};
use auditrail::record::{Outcome, Record, names};
use auditrail::trail::{Call, ToolHints};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

use super::rig::{Policed, Route, call, gaps, halves};

fn sampled(one_in: u32) -> Policy {
    let reads = Rule::named("reads").method("tools/call").sample(Sample::one_in(one_in).unwrap());
    Policy::builder().id("sampled").rule(reads).build().unwrap()
}

#[tokio::test]
async fn failures_and_writes_are_kept_on_every_route_and_reads_as_whole_calls() {
    for route in Route::ALL {
        let policed = Policed::by(sampled(2)).await;
        let mut tools = vec!["look"; 64];
        tools.extend(["put", "look-fails", "put-fails"]);
        call(route, &policed.trail, &tools).await;
        let records = policed.records().await;
        let of = |tool: &str| halves(&records).into_iter().filter(|(of, _)| *of == tool).count();
        assert_eq!([of("put"), of("look-fails"), of("put-fails")], [2, 2, 2], "{route:?}");
        let reads: Vec<_> =
            records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("look")).collect();
        let halves: Vec<_> = reads.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some()).collect();
        let kept: BTreeSet<_> = halves.iter().map(|record| record.text(names::AUDITRAIL_CALL_ID)).collect();
        assert_eq!(halves.len(), 2 * kept.len(), "{route:?}: both halves or none");
        // One of 2^63 runs would fail.
        assert!((1..64).contains(&kept.len()), "{route:?}: {}", kept.len());
        let left_out = 2 * (64 - kept.len()) as i64;
        assert_eq!(policed.counts().suppressed, left_out as u64, "{route:?}");
        let all = policed.ended().await;
        let told: Vec<_> = gaps(&all).iter().map(|gap| (gap.0, gap.1, gap.2)).collect();
        assert_eq!(told, [("sampled", left_out, "reads")], "{route:?}");
    }
}

/// The traces of the calls that are kept.
async fn kept(policed: &Policed) -> BTreeSet<String> {
    let of = |record: &Record| record.trace_id.unwrap().to_string();
    let records = policed.records().await;
    records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some()).map(of).collect()
}

async fn read_in(trail: &Trail, trace: u128) {
    let span = SpanContext::new(
        TraceId::from_bytes(trace.to_be_bytes()),
        SpanId::from_bytes([1; 8]),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let call = Call::mcp("tools/call").tool("look").hints(ToolHints::of_read_only(true));
    let parent = Context::new().with_remote_span_context(span);
    trail.begin(call.parent(parent)).await.unwrap().finish(Outcome::ok()).await;
}

#[tokio::test]
async fn two_trails_with_one_policy_keep_the_same_traces_and_another_policy_keeps_others() {
    let (proxy, server) = (Policed::by(sampled(2)).await, Policed::by(sampled(2)).await);
    let other = Policed::by(sampled(3)).await;
    for trace in 1..=100 {
        for policed in [&proxy, &server, &other] {
            read_in(&policed.trail, trace * 0x0123_4567_89ab_cdef).await;
        }
    }
    let (by_proxy, by_server, by_other) = (kept(&proxy).await, kept(&server).await, kept(&other).await);
    assert_eq!(by_proxy, by_server);
    assert!((1..100).contains(&by_proxy.len()), "{}", by_proxy.len());
    // Whoever chooses a trace id does not know which ones are kept: that depends on the digest of the policy.
    assert!(!by_other.is_subset(&by_proxy), "{by_other:?} {by_proxy:?}");
}
