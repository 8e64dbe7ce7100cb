//! A policy that changes while calls run: no record is lost, and each call is decided by one policy, which its records name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use auditrail::policy::{Halves, Level, Policy, Rule};
use auditrail::record::{Outcome, Record, names};
use auditrail::trail::{Acknowledge, Call, Class};

use super::rig::{Policed, halves};
use crate::support::Bench;

/// Which of the policies it is decides what is kept of each tool.
fn policy(number: usize) -> Policy {
    let [first, second, third] = [number % 3, (number + 1) % 3, (number + 2) % 3].map(|tool| format!("tool-{tool}"));
    Policy::builder()
        .id(format!("policy-{number}"))
        .rule(Rule::named(format!("none-{number}")).tool(first).level(Level::None))
        .rule(Rule::named(format!("response-{number}")).tool(second).halves(Halves::Response))
        .rule(Rule::named(format!("good-{number}")).tool(third).outcome("success").level(Level::None))
        .build()
        .unwrap()
}

/// Which phases are kept of a call that fails, or does not.
fn expected(number: usize, tool: usize, fails: bool) -> &'static [&'static str] {
    match (tool + 3 - number % 3) % 3 {
        0 => &[],
        1 => &["response"],
        _ if fails => &["request", "response"],
        _ => &[],
    }
}

#[tokio::test]
async fn a_change_is_a_record_with_both_digests_and_an_open_call_keeps_its_policy() {
    let policed = Policed::by(policy(0)).await;
    let open = policed.trail.begin(Call::mcp("tools/call").tool("tool-2")).await.unwrap();
    policed.trail.reload_policy(policy(1)).unwrap();
    policed.trail.reload_policy(policy(1)).unwrap();
    assert_eq!(policed.trail.policy().digest(), policy(1).digest());
    open.finish(Outcome::jsonrpc_error(-32603)).await;
    let later = policed.trail.begin(Call::mcp("tools/call").tool("tool-2")).await.unwrap();
    later.finish(Outcome::jsonrpc_error(-32603)).await;
    let records = policed.ended().await;
    // By the first policy both halves, by the second the response alone.
    assert_eq!(halves(&records), [("tool-2", "request"), ("tool-2", "response"), ("tool-2", "response")]);
    let text = |record: &Record, name| record.text(name).map(str::to_owned);
    let [old, new] = [0, 1].map(|number| Some(policy(number).digest().to_owned()));
    let of_calls = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some());
    let digests: Vec<_> = of_calls.map(|record| text(record, names::AUDITRAIL_POLICY_DIGEST)).collect();
    assert_eq!(digests, [old.clone(), old.clone(), new.clone()]);
    let told = records.iter().filter(|record| record.event_name == "auditrail.policy").map(|record| {
        [
            names::AUDIT_ACTION,
            names::AUDITRAIL_POLICY_ID,
            names::AUDITRAIL_POLICY_DIGEST,
            names::AUDITRAIL_POLICY_PREVIOUS_DIGEST,
        ]
        .map(|name| text(record, name))
    });
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [[said("LOAD"), said("policy-0"), old.clone(), None], [said("UPDATE"), said("policy-1"), new, old]]
    );
}

#[test]
fn a_policy_whose_classes_cannot_be_kept_changes_nothing() {
    let bench = Bench::with(|builder| builder.policy(policy(0)).sinks([auditrail::config::SinkKind::File]));
    let remote = Class { acknowledge: Acknowledge::Remote, ..Class::default() };
    let far = Policy::builder().class("far", remote).rule(Rule::named("far").tool("x").class("far")).build().unwrap();
    let refused = bench.trail.reload_policy(far).unwrap_err().to_string();
    assert!(refused.contains("a class of the policy"), "{refused}");
    assert_eq!(bench.trail.policy().digest(), policy(0).digest());
}

/// `AUDITRAIL_RELOADS=1000` makes 1 000 reloads while 100 000 calls run, instead of 50 and 5 000.
#[test]
fn reloads_under_load_lose_no_record_and_each_call_has_one_policy() {
    #[expect(clippy::disallowed_methods, reason = "the size of a run on demand is no setting of the trail")]
    let reloads: usize = std::env::var("AUDITRAIL_RELOADS").map_or(50, |reloads| reloads.parse().unwrap());
    let (calls, threads) = (reloads * 100, 4);
    let bench = Bench::with(|builder| builder.policy(policy(0)));
    let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let trail = &bench.trail;
    let run = |thread: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for number in 0..calls / threads {
            let (tool, fails) = ((number + thread) % 3, number % 2 == 0);
            let call = Call::mcp("tools/call")
                .tool(format!("tool-{tool}"))
                .attribute("number", i64::try_from(number).unwrap());
            let open = runtime.block_on(trail.begin(call)).unwrap();
            let outcome = if fails { Outcome::jsonrpc_error(-32603) } else { Outcome::ok() };
            runtime.block_on(open.finish(outcome));
            done.fetch_add(1, Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        for number in 1..=reloads {
            // Spread over the calls, however fast they are.
            while done.load(Relaxed) < number * (calls / (reloads + 1)) && !is_over.load(Relaxed) {
                std::thread::yield_now();
            }
            trail.reload_policy(policy(number)).unwrap();
        }
        running.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let numbers: BTreeMap<_, _> = (0..=reloads).map(|number| (policy(number).digest().to_owned(), number)).collect();
    let records = bench.records();
    let mut of_calls = BTreeMap::<_, Vec<_>>::new();
    for record in records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some()) {
        of_calls.entry(record.text(names::AUDITRAIL_CALL_ID).unwrap()).or_default().push(record);
    }
    for (call, halves) in &of_calls {
        let number = numbers[halves[0].text(names::AUDITRAIL_POLICY_DIGEST).unwrap()];
        let tool = halves[0].text(names::GEN_AI_TOOL_NAME).unwrap().strip_prefix("tool-").unwrap().parse().unwrap();
        let fails = halves.last().unwrap().text(names::AUDIT_OUTCOME) == Some("failure");
        let phases: Vec<_> = halves.iter().map(|half| half.text(names::AUDITRAIL_PHASE).unwrap()).collect();
        assert_eq!(phases, expected(number, tool, fails), "call {call} by policy {number}: {halves:#?}");
        let digests: Vec<_> = halves.iter().map(|half| half.text(names::AUDITRAIL_POLICY_DIGEST)).collect();
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
    }
    let kept: usize = of_calls.values().map(Vec::len).sum();
    let counts = bench.trail.counts();
    assert_eq!((kept as u64) + counts.suppressed, 2 * (calls / threads * threads) as u64, "{counts:?}");
    assert_eq!(counts.emitted, counts.acknowledged + counts.refused + counts.suppressed, "{counts:?}");
    let changes = records.iter().filter(|record| record.event_name == "auditrail.policy").count();
    assert_eq!(changes, 1 + reloads, "each of them is a record");
    let told: i64 = records
        .iter()
        .chain(&{
            bench.trail.report_counts();
            bench.records().split_off(records.len())
        })
        .filter(|record| record.event_name == "auditrail.gap")
        .map(|gap| super::rig::int(gap, names::AUDITRAIL_GAP_COUNT))
        .sum();
    assert_eq!(told as u64, counts.suppressed, "each record that was left out is told once");
}

/// Waits for something that another thread does.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < super::rig::PATIENCE, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_file_that_changes_is_read_again_and_one_that_cannot_be_used_is_an_alarm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy");
    let write = |text: &str| {
        // As an editor does it: another file takes its place.
        let new = directory.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &path).unwrap();
    };
    write("0");
    let read = path.clone();
    let read = move || {
        let text = std::fs::read_to_string(&read).map_err(|error| error.to_string())?;
        text.parse().map(policy).map_err(|_| format!("line 1, column 1: {} digits", text.len()))
    };
    let bench = Bench::with(|builder| builder.policy_source([path.clone()], read));
    let is = |number: usize| bench.trail.policy().digest() == policy(number).digest();
    assert!(is(0));
    write("1");
    until("the changed file is taken", || is(1));
    write("none");
    until("the alarm is told", || bench.said().iter().any(|said| said.contains("line 1, column 1: 4 digits")));
    assert!(is(1), "the policy stays");
    std::fs::remove_file(&path).unwrap();
    until("that it is gone is told", || {
        bench.said().iter().filter(|said| said.contains("stays in force")).count() == 2
    });
    write("2");
    until("the next good file is taken", || is(2));
    let alarms = || -> Vec<(String, String)> {
        let of = |record: &Record, name| record.text(name).unwrap_or_default().to_owned();
        let all = bench.all_records();
        let about = all.iter().filter(|record| {
            record.text(names::ERROR_TYPE) == Some("policy_unusable")
                || record.text(names::AUDITRAIL_LIFECYCLE_STATE) == Some("recovered")
        });
        about.map(|record| (of(record, names::AUDITRAIL_LIFECYCLE_STATE), of(record, names::ERROR_TYPE))).collect()
    };
    until("the end of the alarm is recorded", || alarms().len() == 2);
    assert_eq!(alarms()[0], ("degraded".to_owned(), "policy_unusable".to_owned()));
    assert_eq!(alarms()[1].0, "recovered");
    let records = bench.all_records();
    assert_eq!(records.iter().filter(|record| record.event_name == "auditrail.policy").count(), 3);
}

#[test]
fn a_file_that_cannot_be_used_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy");
    let builder = auditrail::Trail::builder("bench").directory(directory.path());
    let started = builder.policy_source([path], || Err("policy.toml, line 3, column 7: levle".into())).start();
    let error = started.unwrap_err().to_string();
    assert_eq!(error, "auditrail does not start: policy.toml, line 3, column 7: levle");
}

#[test]
fn a_toml_file_is_read_again_and_a_mistake_in_it_is_told_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.toml");
    let rule = |key: &str| format!("[[rule]]\nname = \"quiet\"\nmatch = {{ tool = \"look*\" }}\n{key} = \"none\"\n");
    std::fs::write(&path, "").unwrap();
    let bench = Bench::with(|builder| builder.policy_file(&path));
    assert_eq!((bench.trail.policy().id(), bench.trail.policy().rules()), ("shop", 0));
    std::fs::write(&path, rule("levle")).unwrap();
    let place = format!("{}:4:1: ", path.display());
    until("the mistake is told", || bench.said().iter().any(|said| said.contains(&place)));
    std::fs::write(&path, rule("level")).unwrap();
    until("the rule is in force", || bench.trail.policy().rules() == 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(bench.trail.begin(Call::mcp("tools/call").tool("look"))).unwrap().finish_now(&Outcome::ok());
    assert_eq!(halves(&bench.records()), []);
    assert_eq!(bench.trail.counts().suppressed, 2);
}
