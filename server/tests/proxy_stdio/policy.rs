//! `auditrail policy`, as a person and a pipeline run it; and what `docs/policy.md` shows.

use std::path::Path;
use std::process::Command;

/// Every policy, case and command on the page.
#[test]
fn the_page_shows_what_happens() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let [policy, cases] = &blocks(&page, "toml")[..] else { panic!("a policy and its cases") };
    write("policy.toml", policy);
    write("cases.toml", cases);
    write(
        "wrong.toml",
        "[[rule]]\nname = \"all\"\nmatch = { tool = \"a*\" }\n\n\n\n[[rule]]\nmatch = { tool = \"ab\" }\n",
    );
    let shown = blocks(&page, "console");
    assert_eq!(shown.len(), 5);
    for block in shown {
        let (command, expected) = block.split_once('\n').unwrap();
        let arguments: Vec<_> = command.strip_prefix("$ auditrail ").unwrap().split(' ').collect();
        let (said, _) = run(directory.path(), &arguments);
        assert_eq!(without_digest(&said), expected, "{command}");
    }
}

#[test]
fn exit_codes_are_for_pipelines() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("policy.toml", "[[rule]]\nname = \"a\"\nmatch = { tool = \"a\" }\nlevel = \"full\"\n");
    write("wrong.toml", "[[rule]]\nmatch = { tol = \"a\" }\n");
    write("proxy.toml", "service_name = \"x\"\n[[rule]]\nmatch = { tool = \"b\" }\nlevel = \"full\"\n");
    write("right.jsonl", "{\"call\":{\"tool\":\"a\"},\"expect\":{\"level\":\"full\",\"class\":\"default\"}}\n\n");
    write(
        "differs.jsonl",
        "{\"call\":{\"tool\":\"a\"},\"expect\":{\"rule\":\"a\"}}\n{\"name\":\"b\",\"call\":{\"tool\":\"b\"},\"expect\":{\"level\":\"full\",\"rule\":\"a\"}}\n",
    );
    write("empty.toml", "case = []");
    write("nothing.toml", "[[case]]\ncall = { tool = \"a\" }\nexpect = {}\n");
    write("unknown.toml", "\n[[case]]\ncall = { tool = \"a\", outcome = \"failed\" }\nexpect = { level = \"full\" }\n");
    write("misspelt.toml", "[[case]]\ncall = { tol = \"a\" }\nexpect = { level = \"full\" }\n");
    for (arguments, code, expected) in [
        ("check policy.toml", 0, "policy: 1 rule(s), sha256:"),
        ("check proxy.toml --proxy", 0, "proxy: 1 rule(s), sha256:"),
        ("check wrong.toml", 2, "wrong.toml:2:11: `match`: unknown field `tol`, expected one of `method`, `tool`, "),
        ("check missing.toml", 2, "missing.toml: No such file"),
        ("test policy.toml right.jsonl", 0, "1 of 1 case(s) as expected"),
        (
            "test policy.toml differs.jsonl",
            1,
            "differs.jsonl:2: b: rule a expected, and default decides; level full expected, and it is metadata",
        ),
        ("test proxy.toml differs.jsonl --proxy", 1, "differs.jsonl:1: case: rule a expected, and default decides"),
        ("test policy.toml empty.toml", 2, "there is no case in it, so it proves nothing"),
        ("test policy.toml nothing.toml", 2, "nothing.toml:1: it expects nothing"),
        (
            "test policy.toml unknown.toml",
            2,
            "unknown.toml:2: the outcome is not known; write success, failure or unknown",
        ),
        ("test policy.toml misspelt.toml", 2, "misspelt.toml:2:10: `call`: unknown field `tol`"),
        ("explain policy.toml --tool a --direction up", 2, "the direction is not known; write client_to_server"),
        ("explain policy.toml --tool a --read-only=false", 0, "rule a (line 1) decides"),
        ("explain policy.toml --tool b", 0, "no rule matches: the default decides"),
    ] {
        let arguments: Vec<_> = ["policy"].into_iter().chain(arguments.split(' ')).collect();
        let (said, ended) = run(directory.path(), &arguments);
        assert!(said.contains(expected), "{arguments:?}\n  says {said}\n  not  {expected}");
        assert_eq!(ended, code, "{arguments:?}: {said}");
    }
}

#[test]
fn programs_get_the_explanation_as_json() {
    let directory = tempfile::tempdir().unwrap();
    let policy = "[[rule]]\nname = \"few\"\nmatch = { read_only = true }\nsample = \"1/5\"\n\
                  [[rule]]\nmatch = { tool = \"pay*\" }\nclass = \"sure\"\nhalves = \"response\"\n[class.sure]\nacknowledge = \"synced\"\n";
    std::fs::write(directory.path().join("p.toml"), policy).unwrap();
    let explain = |arguments: &str| {
        let arguments: Vec<_> = "policy explain p.toml --format json".split(' ').chain(arguments.split(' ')).collect();
        let (said, code) = run(directory.path(), &arguments);
        assert_eq!(code, 0, "{said}");
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let paid = explain("--tool pay_now --tenant acme");
    let decision = serde_json::json!({
        "rule": "rule-2", "line": 5, "level": "metadata", "halves": "response", "class": "sure", "sample": null,
    });
    assert_eq!(paid["decision"], decision);
    assert_eq!(paid["begin"], serde_json::json!({ "decided": true, "most": decision }));
    let keys = serde_json::json!([{ "key": "read_only", "wanted": "true", "found": "false" }]);
    assert_eq!(paid["earlier"], serde_json::json!([{ "rule": "few", "line": 1, "keys": keys }]));
    assert!(paid["policy"]["digest"].as_str().unwrap().starts_with("sha256:"));
    let read = explain("--tool pay_now --read-only --outcome success");
    assert_eq!((&read["decision"]["sample"], &read["begin"]["decided"]), (&"1/5".into(), &false.into()));
}

/// Standard output, standard error, and the exit code.
fn run(directory: &Path, arguments: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_auditrail")).args(arguments).current_dir(directory).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

fn blocks(page: &str, kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let parts = page.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

fn without_digest(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once("sha256:") {
            Some((before, digest)) if digest.len() == 64 => format!("{before}sha256:DIGEST\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}
