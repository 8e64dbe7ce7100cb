//! `auditrail::testing`: trails for the tests of people's own servers, and what their assertions say.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use auditrail::record::{Detail, EventName, Status};
use auditrail::testing::{Expectation, TestTrail};
use auditrail::{Actor, Call, Decision, Moment, Outcome, Trail, assert_audited, assert_not_audited};

/// A trail whose failing assertions do not wait.
fn impatient() -> TestTrail {
    TestTrail::new().patience(Duration::ZERO)
}

async fn call(trail: &Trail, tool: &str, actor: &str, outcome: Outcome) {
    let call = Call::mcp("tools/call").tool(tool).actor(Actor::verified(actor));
    trail.begin(call).await.unwrap().finish(outcome).await;
}

/// What a failing assertion says.
fn said(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion holds");
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn one_call_is_one_entry() {
    let trail = TestTrail::new();
    call(&trail, "add", "alice", Outcome::ok()).await;
    assert_audited!(trail);
    assert_audited!(trail, tool = "add", outcome = success, detail = ok, actor = "alice", verified = true,);
    assert_audited!(trail, tool = "add", phase = request, outcome = unknown);
    assert_audited!(trail, outcome = Status::Success, detail = Detail::Ok, event = EventName::McpToolsCall);
    assert_audited!(trail, event = "auditrail.lifecycle", "auditrail.lifecycle.state" = "started");
    assert_not_audited!(trail, tool = "add", outcome = failure);
    assert_not_audited!(trail, method = "tools/list");

    call(&trail, "add", "alice", Outcome::ok()).await;
    assert_audited!(trail, tool = "add", count = 2);
    let records = trail.records();
    let halves: Vec<_> = records.iter().map(|record| (record.phase().unwrap(), record.outcome().unwrap())).collect();
    let pair = [("request", Status::Unknown), ("response", Status::Success)];
    assert_eq!(halves, [pair, pair].concat());
    assert_eq!(records[0].call_id(), records[1].call_id());
    assert_ne!(records[0].call_id(), records[2].call_id());
    assert!(records[1].duration().is_some_and(|seconds| seconds >= 0.0));
}

/// Each key finds what it is named after, and nothing else.
#[test]
fn each_key_is_an_attribute() {
    let trail = TestTrail::new();
    trail.record(
        Moment::new(EventName::Authz)
            .attribute("auditrail.decision", "deny")
            .attribute("security_rule.name", "no-deletes")
            .attribute("auditrail.tenant.id", "acme")
            .attribute("http.response.status_code", 403_i64)
            .attribute("user.roles", vec!["reader".to_owned(), "auditor".to_owned()]),
    );
    assert_audited!(trail, event = "auditrail.authz", decision = deny, rule = "no-deletes");
    assert_audited!(trail, "auditrail.tenant.id" = "acme", "http.response.status_code" = 403);
    assert_audited!(trail, "user.roles" = ["reader", "auditor"]);
    assert_not_audited!(trail, decision = allow);
    assert_not_audited!(trail, rule = "no-delete");
    assert_not_audited!(trail, "user.roles" = ["reader"]);
    assert_not_audited!(trail, "http.response.status_code" = 401);
    let attributes = [
        ("tool", "gen_ai.tool.name"),
        ("prompt", "gen_ai.prompt.name"),
        ("resource", "mcp.resource.uri"),
        ("method", "mcp.method.name"),
        ("event", "auditrail.event"),
        ("outcome", "audit.outcome"),
        ("detail", "auditrail.outcome.detail"),
        ("error_type", "error.type"),
        ("actor", "audit.actor.id"),
        ("verified", "auditrail.actor.verified"),
        ("decision", "auditrail.decision"),
        ("rule", "security_rule.name"),
        ("phase", "auditrail.phase"),
    ];
    assert_eq!(Expectation::KEYS, attributes);
}

/// Other records name a tool, too: that of its new definition, or of a decision about it.
#[tokio::test]
async fn a_tool_is_asked_for_by_its_calls() {
    let trail = TestTrail::new();
    trail.record(Moment::new(EventName::McpToolDefinition).attribute("gen_ai.tool.name", "add"));
    assert_not_audited!(trail, tool = "add");
    assert_audited!(trail, tool = "add", event = EventName::McpToolDefinition);
    call(&trail, "add", "alice", Outcome::ok()).await;
    assert_audited!(trail, tool = "add");
    assert_audited!(trail, count = 2);
}

#[tokio::test]
async fn a_failing_assertion_shows_what_was_there_and_what_is_nearest() {
    let trail = impatient();
    call(&trail, "forecast", "carol", Outcome::ok()).await;
    call(&trail, "add", "bob", Outcome::ok()).await;
    call(&trail, "subtract", "alice", Outcome::of(Detail::ToolError)).await;
    let said_of_none = said(|| assert_audited!(trail, tool = "add", outcome = failure, actor = "bob"));
    let lines: Vec<_> = said_of_none.lines().collect();
    let asked = r#"expected 1 entry audited with tool = "add", outcome = "failure", actor = "bob", found none among 3 entries:"#;
    assert_eq!(lines[0], asked);
    assert!(lines[1].starts_with("    1  tools/call forecast: success in "), "{said_of_none}");
    assert!(lines[2].starts_with(" >  2  tools/call add: success in "), "{said_of_none}");
    assert!(lines[2].ends_with(r#"(actor bob, verified)  <- outcome is "success""#), "{said_of_none}");
    assert!(lines[3].starts_with("    3  tools/call subtract: tool_error in "), "{said_of_none}");
    assert!(lines[3].ends_with("(actor alice, verified) error_type tool_error"), "{said_of_none}");

    let said_of_two = said(|| assert_audited!(trail, outcome = success));
    assert!(said_of_two.starts_with(r#"expected 1 entry audited with outcome = "success", found 2 among 3 entries:"#));
    let marks: Vec<_> = said_of_two.lines().skip(1).map(|line| line.chars().nth(1).unwrap()).collect();
    assert_eq!(marks, ['=', '=', ' '], "{said_of_two}");

    let said_of_present = said(|| assert_not_audited!(trail, actor = "alice"));
    assert!(said_of_present.starts_with(r#"expected 0 entries audited with actor = "alice", found 1 among 3"#));

    let misspelt = said(|| assert_audited!(trail, "auditrail.tenat.id" = "acme"));
    assert!(misspelt.contains("no auditrail.tenat.id, a name that the contract does not have"), "{misspelt}");
}

#[tokio::test]
async fn a_long_list_is_cut_but_for_the_nearest() {
    let trail = impatient();
    call(&trail, "first", "alice", Outcome::ok()).await;
    for _ in 0..100 {
        call(&trail, "other", "bob", Outcome::ok()).await;
    }
    let said = said(|| assert_audited!(trail, tool = "first", actor = "alice", outcome = failure));
    assert!(said.contains(" >   1  tools/call first") || said.contains(" >  1  tools/call first"), "{said}");
    assert!(said.contains("… and 70 entries earlier"), "{said}");
    assert_eq!(said.lines().count(), 33, "{said}");
}

#[test]
fn nothing_at_all_has_a_hint() {
    let trail = impatient();
    let said = said(|| assert_audited!(trail, tool = "add"));
    assert!(
        said.ends_with("nothing was audited: is the server served by this trail, or its subscriber set?"),
        "{said}"
    );
}

/// An assertion waits for a call that is open and may be the one; it does not for one that cannot be.
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_waits_for_the_end_of_a_call() {
    let trail = TestTrail::new().patience(Duration::from_secs(60));
    let open = trail.begin(Call::mcp("tools/call").tool("slow")).await.unwrap();
    let other = trail.begin(Call::mcp("tools/call").tool("other")).await.unwrap();
    assert_not_audited!(trail, tool = "nobody's");
    let (asks, asked) = std::sync::mpsc::channel();
    let ends = std::thread::spawn(move || {
        asked.recv().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(open.finish(Outcome::of(Detail::ToolError)));
    });
    asks.send(()).unwrap();
    assert_audited!(trail, tool = "slow", outcome = failure);
    ends.join().unwrap();
    other.finish(Outcome::ok()).await;
    trail.settled().await;
    assert_audited!(trail, tool = "other");
}

#[tokio::test]
async fn what_is_still_open_is_told() {
    let trail = impatient();
    let open = trail.begin(Call::mcp("tools/call").tool("slow")).await.unwrap();
    let said = said(|| assert_audited!(trail, tool = "slow"));
    assert!(said.contains("still open: tools/call slow"), "{said}");
    open.finish(Outcome::ok()).await;
    assert_audited!(trail, tool = "slow");
}

/// On the thread of the test, whoever waits must let the others go on.
#[tokio::test]
async fn waiting_lets_tasks_of_the_same_thread_go_on() {
    let trail = Arc::new(TestTrail::new().patience(Duration::from_secs(60)));
    let (server, until) = (trail.clone(), Arc::new(tokio::sync::Notify::new()));
    let goes = until.clone();
    let task = tokio::spawn(async move {
        let open = server.begin(Call::mcp("tools/call").tool("slow")).await.unwrap();
        goes.notified().await;
        open.finish(Outcome::ok()).await;
        server.record(Moment::new(EventName::Authz));
    });
    until.notify_one();
    trail.wait_for(&Expectation::any().event(EventName::Authz)).await.unwrap();
    trail.settled().await;
    task.await.unwrap();
    assert_audited!(trail, tool = "slow", outcome = success);
    let mismatch = trail.wait_for(&Expectation::any().event(EventName::Authz).count(0)).await.unwrap_err();
    assert!(mismatch.to_string().contains("found 1 among 2 entries"), "{mismatch}");
}

#[test]
fn hooks_of_the_own_builder_are_kept() {
    let builder = Trail::builder("tickets").authorize(|_| Decision::deny("kept")).endpoint("http://192.0.2.1:4317");
    let trail = TestTrail::of(builder.directory("/nowhere/that/could/be/written"));
    let _scope = trail.set_default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(trail.begin(Call::mcp("tools/call").tool("delete")));
    assert!(refused.is_err());
    assert_audited!(trail, tool = "delete", outcome = failure, detail = denied, decision = deny, error_type = "-32043");
    assert_eq!(trail.notices(), Vec::<String>::new());
    assert!(!std::path::Path::new("/auditrail-testing").exists() && !std::path::Path::new("/nowhere").exists());
}

/// Annotated spans of many tests at once: each trail gets its own, with the ids of their spans.
#[test]
fn trails_of_parallel_tests_are_apart() {
    #[tracing::instrument(skip_all, ret, fields(mcp.method.name = "tools/call", gen_ai.tool.name = tool))]
    fn handle(tool: &str) {
        let _ = tool;
    }
    let run = |number: usize| {
        let (trail, tool) = (TestTrail::new(), format!("tool-{number}"));
        trail.in_scope(|| handle(&tool));
        assert_audited!(trail, tool = &tool, outcome = success);
        assert_audited!(trail);
        let records = trail.records();
        assert!(records.iter().all(|record| record.trace_id.is_some() && record.span_id.is_some()), "{records:?}");
    };
    std::thread::scope(|scope| (0..32).for_each(|number| drop(scope.spawn(move || run(number)))));
}

/// The texts that the compiler prints for what is no key, by the macros alone: they are expanded before anything else is looked at.
#[test]
#[allow(clippy::disallowed_methods, reason = "the compiler that built this test")]
fn the_compiler_says_which_keys_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("wrong.rs");
    let macros = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/macros.rs");
    let macros = std::fs::read_to_string(macros).unwrap().replace("//! The assertions.", "");
    for (assertion, message) in [
        (
            r#"assert_audited!(trail, tol = "add")"#,
            "`tol` is no key of an audit assertion; the keys are tool, prompt, ",
        ),
        (r#"assert_not_audited!(trail, tool = "add", acter = "alice")"#, "`acter` is no key of an audit assertion"),
        (r#"assert_audited!(trail, tool "add")"#, "takes `key = value` with commas between"),
    ] {
        std::fs::write(&source, format!("{macros}\nfn wrong() {{ {assertion}; }}\n")).unwrap();
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["--crate-type", "lib", "--edition", "2024", "--emit", "metadata", "--out-dir"])
            .args([directory.path(), &source])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(message), "{assertion}: {said}");
        assert!(!output.status.success(), "{assertion}");
    }
}
