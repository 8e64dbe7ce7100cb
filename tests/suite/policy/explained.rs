//! What a policy explains is what the trail does, for any request.

use auditrail::policy::{CallFacts, Halves, Level, Policy, Rule, Sample};
use auditrail::record::{Detail, EventName, Outcome, names};
use auditrail::trail::{Actor, Call, Direction, ToolHints};
use proptest::prelude::*;

use crate::support::Bench;

#[derive(Debug, Clone)]
struct Asked {
    tool: &'static str,
    read_only: Option<bool>,
    actor: Option<&'static str>,
    detail: Detail,
}

fn rule() -> impl Strategy<Value = Rule> {
    let tool = prop::option::of(prop::sample::select(vec!["a", "a*", "b", "c*"]));
    let read_only = prop::option::of(any::<bool>());
    let actor = prop::option::of(prop::sample::select(vec!["alice", "a*", "bob"]));
    let outcome = prop::option::of(prop::sample::select(vec!["success", "failure", "unknown", "tool_error", "denied"]));
    let level = prop::sample::select(vec![Level::None, Level::Metadata]);
    let halves = prop::sample::select(vec![Halves::Both, Halves::Response]);
    (tool, read_only, actor, outcome, level, halves, prop::option::weighted(0.2, Just(Sample::one_in(2).unwrap())))
        .prop_map(|(tool, read_only, actor, outcome, level, halves, sample)| {
            let mut rule = Rule::default().level(level).halves(halves);
            rule = tool.into_iter().fold(rule, Rule::tool);
            rule = read_only.into_iter().fold(rule, Rule::read_only);
            rule = actor.into_iter().fold(rule, Rule::actor);
            rule = outcome.into_iter().fold(rule, Rule::outcome);
            if level == Level::None { rule } else { sample.into_iter().fold(rule, Rule::sample) }
        })
}

fn asked() -> impl Strategy<Value = Asked> {
    let details = vec![Detail::Ok, Detail::ToolError, Detail::JsonrpcError, Detail::Cancelled, Detail::Denied];
    let tool = prop::sample::select(vec!["a", "ab", "b", "c", "d"]);
    let actor = prop::option::of(prop::sample::select(vec!["alice", "bob"]));
    (tool, prop::option::of(any::<bool>()), actor, prop::sample::select(details))
        .prop_map(|(tool, read_only, actor, detail)| Asked { tool, read_only, actor, detail })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_explanation_is_what_the_trail_does(
        rules in prop::collection::vec(rule(), 1..5),
        calls in prop::collection::vec(asked(), 1..12),
    ) {
        let built = rules.into_iter().fold(Policy::builder(), auditrail::policy::PolicyBuilder::rule).build();
        // A rule that can never match is refused.
        prop_assume!(built.is_ok());
        let policy = built.unwrap();
        let bench = Bench::with(|builder| builder.policy(policy.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut ids = Vec::new();
        for asked in &calls {
            let mut hints = ToolHints::default();
            hints.read_only = asked.read_only;
            let call = Call::mcp("tools/call").tool(asked.tool).hints(hints);
            let call = asked.actor.into_iter().fold(call, |call, actor| call.actor(Actor::verified(actor)));
            let open = runtime.block_on(bench.trail.begin(call)).unwrap();
            ids.push(open.call_id().to_string());
            open.finish_now(&Outcome::of(asked.detail));
        }
        let records = bench.records();
        let mut left_out = 0;
        for (asked, id) in calls.iter().zip(&ids) {
            let halves = records.iter().filter(|record| record.text(names::AUDITRAIL_CALL_ID) == Some(id));
            let phases: Vec<_> = halves.map(|half| half.text(names::AUDITRAIL_PHASE).unwrap()).collect();
            left_out += 2 - phases.len();
            let mut facts = CallFacts::default();
            facts.event = Some(EventName::McpToolsCall);
            facts.method = Some("tools/call");
            facts.tool = Some(asked.tool);
            facts.read_only = asked.read_only;
            facts.actor = asked.actor;
            facts.direction = Some(Direction::ClientToServer);
            let explained = policy.explain(&facts, Some(&Outcome::of(asked.detail)));
            let kept: &[&str] = match (explained.treatment.level, explained.treatment.halves) {
                (Level::None, _) => &[],
                (_, Halves::Response) => &["response"],
                (_, Halves::Both) => &["request", "response"],
                _ => unreachable!(),
            };
            let is_sampled_out = explained.treatment.sample.is_some() && phases.is_empty();
            prop_assert!(is_sampled_out || phases == kept, "{asked:?}: {phases:?}, and not {kept:?}: {explained}");
        }
        prop_assert_eq!(bench.trail.counts().suppressed, left_out as u64);
    }
}
