//! `auditrail expect`: assertions for servers in any language.

use std::io::Write as _;
use std::process::{Command, Stdio};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"canary":"canary-argument"}}}"#;
const ANSWER: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"canary-result"}],"isError":true}}"#;

/// What the command relays, says and exits with, if a client calls a tool that fails.
fn expect(file: &str, server: &str) -> (Option<i32>, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("expected.toml");
    std::fs::write(&path, file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
    command.arg("expect").arg(&path).args(["--", "sh", "-c", server]).current_dir(directory.path());
    // Neither the collector nor the state directory of the environment is used.
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("AUDITRAIL_DIR", directory.path().join("state"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A server that was not started reads nothing.
    drop(writeln!(child.stdin.take().unwrap(), "{CALL}"));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert!(!directory.path().join("state").exists(), "the journal is in memory");
    let said = text(output.stderr).replace(path.to_str().unwrap(), "expected.toml");
    (output.status.code(), text(output.stdout), said)
}

fn server() -> String {
    format!("read -r line; printf '%s\\n' '{ANSWER}'; cat >/dev/null")
}

#[test]
fn what_is_expected_gives_exit_code_0_and_the_bytes_pass() {
    let file = "[[expect]]\ntool = \"add\"\noutcome = \"failure\"\ndetail = \"tool_error\"\n\n\
                [[expect]]\ntool = \"delete\"\ncount = 0\n";
    let (code, output, said) = expect(file, &server());
    assert_eq!((code, output), (Some(0), format!("{ANSWER}\n")), "{said}");
    assert_eq!(said, "auditrail: 2 of 2 expectation(s) met\n");
}

#[test]
fn what_is_not_met_is_shown_with_its_line_and_what_was_there() {
    let file =
        "[[expect]]\ntool = \"add\"\noutcome = \"failure\"\n\n[[expect]]\ntool = \"add\"\noutcome = \"success\"\n";
    let (code, output, said) = expect(file, &server());
    assert_eq!((code, output), (Some(1), format!("{ANSWER}\n")), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("auditrail: expected.toml:5: expected 1 entry audited with "), "{said}");
    assert!(lines[0].contains(r#"tool = "add""#) && lines[0].ends_with("found none among 1 entry:"), "{said}");
    assert!(lines[1].contains(">  1  tools/call add: tool_error in "), "{said}");
    assert!(lines[1].ends_with(r#"<- outcome is "failure""#), "{said}");
    assert_eq!(lines[2], "auditrail: 1 of 2 expectation(s) met");
    assert!(!said.contains("canary"), "no content is shown: {said}");
}

#[test]
fn a_call_without_an_answer_is_an_entry_and_the_code_of_the_server_is_told() {
    let file = "[[expect]]\ntool = \"add\"\noutcome = \"unknown\"\ndetail = \"no_response\"\n";
    let (code, _, said) = expect(file, "read -r line; exit 7");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said, "auditrail: the server ended with code 7\nauditrail: 1 of 1 expectation(s) met\n");
}

#[test]
fn mistakes_stop_the_start() {
    let (code, output, said) = expect("[[expect]]\ntol = \"add\"\n", "echo started");
    assert_eq!((code, output.as_str()), (Some(2), ""), "{said}");
    assert!(
        said.starts_with("auditrail: expected.toml:1: `tol` is no key of an expectation; the keys are tool, "),
        "{said}"
    );
    let (code, ..) = expect("expect = []", "exec /no/such/command");
    assert_eq!(code, Some(0), "nothing is expected of it");
}
