//! Decisions: who decides about a call leaves one record, and the pair of the call says how it ended.

use std::time::{Duration, SystemTime};

use auditrail::capture::direct::{Approval, Authn, Authz};
use auditrail::policy::{Decision, DenialRule, DenialRules};
use auditrail::record::names;
use auditrail::trail::{Actor, Call, RefusalKind};

use crate::decided::{Decided, decisions, only_decision, response, says};
use crate::server::{Everything, View, call, connect_as};
use crate::support::ending;
use crate::tapped::Wire;

fn rules<const N: usize>(all: [DenialRule; N]) -> DenialRules {
    all.into_iter().fold(DenialRules::default(), |rules, rule| rules.rule(rule).unwrap())
}

fn decide(call: &Call) -> Decision {
    match call.name() {
        Some("slow") => {
            Decision::deny("not on Sundays").by_rule("sunday").under_policy("ops", "sha256:aa").requiring(["run"])
        }
        Some("breaks") => Decision::escalate("a person has to approve it").by_rule("ask"),
        Some("ok") => Decision::Allow.by_rule("readers").under_policy("ops", "sha256:aa"),
        _ => Decision::Allow,
    }
}

#[tokio::test]
async fn what_authorize_denies_has_one_record_with_its_grounds() {
    for view in [View::Wrapper, View::Both] {
        let scene = Decided::with(|builder| builder.authorize(decide)).await;
        let client = connect_as(view, &scene.trail, Everything::default()).await;
        // If it ran, it would wait for ever.
        call(&client, "slow").await.unwrap_err();
        let records = scene.records().await;
        let decision = only_decision(&records);
        assert_eq!((decision.event_name.as_ref(), decision.severity.number), ("auditrail.authz", 13), "{view:?}");
        let grounds = [
            (names::AUDITRAIL_DECISION, "deny"),
            (names::AUDITRAIL_DECISION_REASON, "not on Sundays"),
            (names::AUDITRAIL_DECISION_SOURCE, "authorize"),
            (names::SECURITY_RULE_NAME, "sunday"),
            (names::AUDITRAIL_POLICY_ID, "ops"),
            (names::AUDITRAIL_POLICY_DIGEST, "sha256:aa"),
            (names::AUDITRAIL_TARGET_ACTIONS, "run"),
        ];
        says(decision, &grounds);
        says(
            decision,
            &[
                (names::AUDIT_OUTCOME, "failure"),
                (names::ERROR_TYPE, "denied"),
                (names::AUDIT_ACTION, "AUTHORIZE"),
                (names::GEN_AI_TOOL_NAME, "slow"),
                (names::AUDIT_TARGET_TYPE, "tool"),
                (names::AUDIT_TARGET_ID, "slow"),
                (names::MCP_METHOD_NAME, "tools/call"),
                (names::AUDITRAIL_ACTOR_VERIFIED, "true"),
            ],
        );
        let half = response(&records, "auditrail.mcp.tools.call");
        assert_eq!(ending(half), ("response", "failure", "denied"));
        assert_eq!(half.text(names::ERROR_TYPE), Some("-32043"));
        assert_eq!(half.text(names::AUDITRAIL_CALL_ID), decision.text(names::AUDITRAIL_CALL_ID));
        for (name, _) in grounds {
            assert_eq!(half.get(name), decision.get(name), "{name}");
        }
    }
}

#[tokio::test]
async fn an_escalated_call_does_not_run_and_is_answered_with_a_code_of_its_own() {
    for view in [View::Wrapper, View::Both] {
        let scene = Decided::with(|builder| builder.authorize(decide)).await;
        let client = connect_as(view, &scene.trail, Everything::default()).await;
        let rmcp::ServiceError::McpError(error) = call(&client, "breaks").await.unwrap_err() else { panic!() };
        let said = "call needs the approval of a person: a person has to approve it";
        assert_eq!((error.code.0, error.message.as_ref()), (-32047, said), "{view:?}");
        let records = scene.records().await;
        let decision = only_decision(&records);
        says(
            decision,
            &[
                (names::AUDITRAIL_DECISION, "escalate"),
                (names::SECURITY_RULE_NAME, "ask"),
                (names::AUDIT_OUTCOME, "unknown"),
                (names::ERROR_TYPE, "-"),
                (names::GEN_AI_TOOL_NAME, "breaks"),
            ],
        );
        let half = response(&records, "auditrail.mcp.tools.call");
        assert_eq!(ending(half), ("response", "failure", "denied"));
        assert_eq!(half.text(names::AUDITRAIL_DECISION), Some("escalate"));
        assert_eq!(half.text(names::ERROR_TYPE), Some("-32047"), "the handler would have answered -32603");
    }
    let scene = Decided::with(|builder| builder.authorize(decide)).await;
    let refused = scene.trail.begin(Call::mcp("tools/call").tool("breaks")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Escalated);
}

#[tokio::test]
async fn what_is_allowed_has_a_record_only_if_that_is_switched_on_and_its_response_says_why() {
    for is_on in [false, true] {
        let scene = Decided::with(|builder| builder.authorize(decide).record_allowed(is_on)).await;
        let client = connect_as(View::Both, &scene.trail, Everything::default()).await;
        call(&client, "ok").await.unwrap();
        let records = scene.records().await;
        let of_ok = |record: &&auditrail::record::Record| record.text(names::GEN_AI_TOOL_NAME) == Some("ok");
        let of_ok: Vec<_> = records.iter().filter(of_ok).cloned().collect();
        assert_eq!(decisions(&of_ok).len(), usize::from(is_on));
        let half = response(&of_ok, "auditrail.mcp.tools.call");
        assert_eq!(ending(half), ("response", "success", "ok"));
        for record in decisions(&of_ok).into_iter().chain([half]) {
            assert_eq!(record.text(names::AUDITRAIL_DECISION), Some("allow"));
            assert_eq!(record.text(names::SECURITY_RULE_NAME), Some("readers"));
            assert_eq!(record.text(names::AUDITRAIL_POLICY_DIGEST), Some("sha256:aa"));
        }
        if let [decision] = decisions(&of_ok)[..] {
            assert_eq!((decision.severity.number, decision.text(names::AUDIT_OUTCOME)), (9, Some("success")));
        }
    }
}

/// The text of the error, which has a canary, stays inside.
#[tokio::test]
async fn what_a_server_says_it_denied_has_one_record_with_the_name_of_the_rule() {
    let said = || {
        rules([
            DenialRule::named("texts").text("ERROR: forbid*n").tool("fails").reason("the server says so"),
            DenialRule::named("codes").code(-32603).method("tools/*"),
            DenialRule::named("unused").text("canary").tool("other"),
        ])
    };
    for (view, tool, rule, reason, error) in [
        (View::Wrapper, "fails", "texts", "the server says so", "tool_error"),
        (View::Both, "fails", "texts", "the server says so", "tool_error"),
        (View::Wrapper, "breaks", "codes", "the answer says that it was denied", "-32603"),
        (View::Both, "breaks", "codes", "the answer says that it was denied", "-32603"),
    ] {
        let scene = Decided::with(|builder| builder.authorize(|_| Decision::Allow).denials(said())).await;
        let client = connect_as(view, &scene.trail, Everything::default()).await;
        drop(call(&client, tool).await);
        drop(call(&client, "misused").await);
        let records = scene.records().await;
        let decision = only_decision(&records);
        says(
            decision,
            &[
                (names::AUDITRAIL_DECISION, "deny"),
                (names::AUDITRAIL_DECISION_REASON, reason),
                (names::AUDITRAIL_DECISION_SOURCE, "answer"),
                (names::SECURITY_RULE_NAME, rule),
                (names::GEN_AI_TOOL_NAME, tool),
                (names::ERROR_TYPE, "denied"),
                (names::AUDIT_OUTCOME, "failure"),
            ],
        );
        let of_tool: Vec<_> =
            records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).cloned().collect();
        let half = response(&of_tool, "auditrail.mcp.tools.call");
        assert_eq!((ending(half), half.text(names::ERROR_TYPE)), (("response", "failure", "denied"), Some(error)));
        assert_eq!(half.text(names::AUDITRAIL_DECISION), Some("deny"), "{view:?}: it says what became of it");
        assert_eq!(half.text(names::SECURITY_RULE_NAME), Some(rule), "{view:?}");
    }
}

/// Here the bytes are those of servers that others wrote: GitHub's, and one with a code of its own.
#[tokio::test]
async fn a_tap_alone_recognizes_denials_too() {
    let said = rules([
        DenialRule::named("github").text("403 Resource not accessible by*token"),
        DenialRule::named("gateway").code(-32003).text("permission denied"),
    ]);
    let scene = Decided::with(|builder| builder.denials(said)).await;
    let mut wire = Wire::new(&scene.trail);
    for (id, tool) in [(1, "create_pull_request"), (2, "delete"), (3, "read")] {
        wire.client(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}"}}}}"#))
            .await;
    }
    let github = "failed to create pull request: POST https://api.github.com/canary: 403 Resource not accessible by personal access token []";
    wire.server(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{github}"}}],"isError":true}}}}"#
    ))
    .await;
    wire.server(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32003,"message":"Permission denied: user canary"}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"403 Resource not accessible by a token"}]}}"#)
        .await;
    let records = scene.records().await;
    let told: Vec<_> = decisions(&records)
        .into_iter()
        .map(|record| [names::GEN_AI_TOOL_NAME, names::SECURITY_RULE_NAME].map(|name| record.text(name).unwrap_or("-")))
        .collect();
    assert_eq!(told, [["create_pull_request", "github"], ["delete", "gateway"]], "a result is not an error");
}

/// Two who decide leave two records, and the response half has what was decided where the call was held.
#[tokio::test]
async fn a_denial_that_could_not_be_enforced_and_one_of_the_server_are_two_decisions() {
    let said = rules([DenialRule::named("gateway").code(-32003)]);
    let scene = Decided::with(|builder| builder.authorize(decide).denials(said)).await;
    let mut wire = Wire::new(&scene.trail);
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"canary"}}"#).await;
    let records = scene.records().await;
    let rules: Vec<_> =
        decisions(&records).iter().map(|record| record.text(names::SECURITY_RULE_NAME).unwrap().to_owned()).collect();
    assert_eq!(rules, ["sunday", "gateway"]);
    assert_eq!(decisions(&records)[1].text(names::AUDITRAIL_POLICY_ID), None, "the policy is not the server's");
    assert_eq!(response(&records, "auditrail.mcp.tools.call").text(names::SECURITY_RULE_NAME), Some("sunday"));
}

#[tokio::test]
async fn annotated_handlers_leave_a_decision_too() {
    use tracing_subscriber::prelude::*;

    #[tracing::instrument(skip_all, err, fields(mcp.method.name = "tools/call", gen_ai.tool.name = "pay", audit.actor.id = "alice"))]
    fn pay() -> Result<(), String> {
        Err("canary: not allowed to pay".into())
    }
    let scene = Decided::with(|builder| builder.denials(rules([DenialRule::named("own").text("not allowed")]))).await;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(scene.trail.layer()), || drop(pay()));
    let records = scene.records().await;
    let decision = only_decision(&records);
    says(decision, &[(names::SECURITY_RULE_NAME, "own"), (names::GEN_AI_TOOL_NAME, "pay")]);
    assert_eq!(response(&records, "auditrail.mcp.tools.call").text(names::SECURITY_RULE_NAME), Some("own"));
}

#[tokio::test]
async fn the_typed_builders_record_what_they_are_given_and_no_credential() {
    let scene = Decided::with(|builder| builder).await;
    let alice = || Actor::verified("alice");
    let time = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    scene.trail.record(Authn::success(alice()));
    scene.trail.record(Authn::failure("expired").actor(alice()).challenge("Bearer error=invalid_token").rule("jwt"));
    scene.trail.record(Authn::failure("Bearer canary is not valid".to_owned()).actor(alice()));
    scene.trail.record(Authz::allow().actor(alice()).tool("a"));
    scene.trail.record(Authz::escalate("ask").actor(alice()).rule("r").policy("p", "sha256:aa").actions(["x", "y"]));
    let refused = auditrail::record::RecordId::new(1, &[7; 10]);
    scene.trail.record(
        Approval::approved(alice())
            .call(refused)
            .tool("a")
            .shown("sha256:bb")
            .at(time(1_796_070_896))
            .until(time(1_796_071_496)),
    );
    scene.trail.record(Approval::declined(alice()).tool("a").reason("too much").target("account", "12"));
    let records = scene.records().await;
    let expected: [&[(&str, &str)]; 7] = [
        &[
            ("auditrail.event", "auditrail.authn"),
            ("audit.outcome", "success"),
            ("audit.action", "LOGIN"),
            ("auditrail.decision", "allow"),
        ],
        &[
            ("audit.outcome", "failure"),
            ("error.type", "expired"),
            ("auditrail.decision", "deny"),
            ("auditrail.decision.reason", "expired"),
            ("auditrail.authn.challenge", "Bearer error=invalid_token"),
            ("security_rule.name", "jwt"),
        ],
        &[("error.type", "_OTHER"), ("auditrail.decision.reason", "_OTHER")],
        &[
            ("auditrail.event", "auditrail.authz"),
            ("audit.outcome", "success"),
            ("audit.action", "AUTHORIZE"),
            ("gen_ai.tool.name", "a"),
        ],
        &[
            ("audit.outcome", "unknown"),
            ("auditrail.decision", "escalate"),
            ("auditrail.policy.id", "p"),
            ("auditrail.policy.digest", "sha256:aa"),
            ("auditrail.target.actions", "x y"),
        ],
        &[
            ("auditrail.event", "auditrail.approval"),
            ("audit.action", "APPROVE"),
            ("audit.outcome", "success"),
            ("auditrail.decision", "allow"),
            ("auditrail.approval.by", "alice"),
            ("auditrail.approval.shown_digest", "sha256:bb"),
            ("auditrail.approval.approved_at", "2026-11-30T20:34:56.000Z"),
            ("auditrail.approval.expires_at", "2026-11-30T20:44:56.000Z"),
            ("auditrail.call.id", &refused.to_string()),
        ],
        &[
            ("audit.outcome", "failure"),
            ("error.type", "declined"),
            ("auditrail.decision", "deny"),
            ("audit.target.type", "account"),
            ("audit.target.id", "12"),
        ],
    ];
    assert_eq!(records.len(), expected.len(), "{records:#?}");
    for (record, expected) in records.iter().zip(expected) {
        says(record, expected);
    }
}
