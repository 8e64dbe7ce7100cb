//! The proxy's configuration file.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::rig::{auditrail, files, records, run, text};

/// A server that answers its only request, and ends.
const SERVER: [&str; 3] =
    ["sh", "-c", r#"read -r line; printf '%s\n' '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'"#];
const ANSWER: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n";
const REQUEST: &[u8] =
    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"close_ticket\",\"arguments\":{}}}\n";

/// The code, the output, and what it said.
fn proxy(directory: &Path, config: &str) -> (i32, String, String) {
    let file = directory.join("auditrail.toml");
    fs::write(&file, config.replace("DIR", directory.to_str().unwrap())).unwrap();
    let mut command = auditrail(&["proxy", "--config", file.to_str().unwrap(), "--"]);
    let mut child = command.args(SERVER).stdin(Stdio::piped()).spawn().unwrap();
    // A proxy that does not start reads nothing.
    drop(child.stdin.take().unwrap().write_all(REQUEST));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub(crate) fn writes_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let config = "service_name = \"tickets\"\n[journal]\ndirectory = \"DIR/state\"\n[sink]\nto = [\"file\"]\nfile = \"DIR/log/trail.jsonl\"\n\
                  file_max_bytes = 2000000\nfile_keep = 4\n";
    let (code, output, said) = proxy(directory.path(), config);
    assert_eq!(
        (code, output.as_str(), said.as_str()),
        (0, ANSWER, ""),
        "nothing is missed, not even a collector of traces"
    );
    let found = records(&files(&directory.path().join("log/trail.jsonl")));
    let call: Vec<_> = found.iter().filter(|record| text(record, "gen_ai.tool.name") == "close_ticket").collect();
    let [request, response] = call[..] else { panic!("{found:#?}") };
    assert_eq!((text(request, "auditrail.phase"), text(response, "audit.outcome")), ("request", "success"));
    assert_eq!(response["spanId"].as_str().unwrap().len(), 16, "there is a span, though nobody gets it");
    assert_eq!(request["traceId"], response["traceId"]);

    let file = directory.path().join("auditrail.toml");
    let shown = |command: &mut std::process::Command| {
        let (code, shown, said) =
            run(command.args(["proxy", "--print-config", "--config", file.to_str().unwrap(), "--", "sh"]));
        assert_eq!((code, said.as_str()), (0, ""));
        shown
    };
    let effective = shown(&mut auditrail(&[]));
    for line in ["disabled = false", "file_max_bytes = 2000000", "file_keep = 4", "to = [\"file\"]"] {
        assert!(effective.contains(line), "{line}: {effective}");
    }
    assert!(!effective.contains("# records go to") && !effective.contains("# traces go to"), "{effective}");
    // The environment wins, and what the file says of its file is then no mistake.
    let effective = shown(auditrail(&[]).env("AUDITRAIL_SINK", "otlp"));
    assert!(
        effective.contains("to = [\"otlp\"]") && effective.contains("# records go to http://localhost:4317"),
        "{effective}"
    );
}

pub(crate) fn is_switched_off() {
    let directory = tempfile::tempdir().unwrap();
    let base =
        "service_name = \"tickets\"\ndisabled = VALUE\n[journal]\ndirectory = \"DIR/state\"\n[sink]\nto = [\"file\"]\n";
    let (code, output, said) = proxy(directory.path(), &base.replace("VALUE", "true"));
    assert_eq!((code, output.as_str()), (0, ANSWER), "{said}");
    assert!(said.contains("auditing is switched off"), "{said}");
    let found = records(&files(&directory.path().join("state/trail.jsonl")));
    let [record] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(text(record, "auditrail.lifecycle.state"), "disabled");
    eprintln!("{record:#}");

    let rule = "[[rule]]\nmatch = { tool = \"close_*\" }\nclass = \"critical\"\n[class.critical]\nacknowledge = \"synced\"\nwhen_full = \"refuse\"\n";
    let (code, output, said) = proxy(directory.path(), &(base.replace("VALUE", "true") + rule));
    assert_eq!((code, output.as_str()), (2, ""));
    assert!(said.contains("disabled=\"true\" cannot be used") && said.contains("set all"), "{said}");
    let (code, output, said) = proxy(directory.path(), &(base.replace("VALUE", "\"all\"") + rule));
    assert_eq!((code, output.as_str()), (0, ANSWER), "{said}");
}

pub(crate) fn tells_mistakes() {
    let directory = tempfile::tempdir().unwrap();
    for (config, expected) in [
        (
            "[sink]\nto = [\"stdout\"]\n",
            "auditrail.toml:2:7: `to`: unknown value, expected one of `otlp`, `file`, `stderr`",
        ),
        ("[sink]\nto = [\"log\"]\n", "auditrail.toml:2:7: `to`: unknown value"),
        ("[sink]\nto = []\n", "[sink] to"),
        ("[sink]\nfile = \"/tmp/x\"\n", "auditrail.toml:2:8: `file`: no sink is a file; write `to = [\"file\"]`"),
        ("[sink]\nto = [\"otlp\"]\nfile_keep = 3\n", "auditrail.toml:3:13: `file_keep`: no sink is a file"),
        ("[sink]\nto = [\"file\"]\nfile_keep = 0\n", "[sink] file_keep"),
        ("[sink]\nto = [\"file\"]\nfile = \"relative\"\n", "[sink] file"),
        ("[sink]\nto = [\"file\"]\nfil = \"x\"\n", "auditrail.toml:3:1: "),
        ("disabled = \"yes\"\n", "auditrail.toml:1:12: `disabled`: write true, false or \"all\""),
        ("disabled = 1\n", "auditrail.toml:1:12: `disabled`: invalid type: integer, expected true, false or \"all\""),
    ] {
        let (code, output, said) = proxy(directory.path(), &format!("{config}[journal]\ndirectory = \"DIR/state\"\n"));
        assert_eq!((code, output.as_str()), (2, ""), "{config}: {said}");
        assert!(said.contains(expected), "{config}: {said}");
    }
    let file = directory.path().join("auditrail.toml");
    fs::write(&file, "").unwrap();
    let mut command = auditrail(&["proxy", "--config", file.to_str().unwrap(), "--", "true"]);
    let (code, _, said) = run(command.env("AUDITRAIL_SINK", "otlp,log"));
    assert_eq!(code, 2);
    assert!(said.contains("the proxy has no log of its own"), "{said}");
}

pub(crate) fn refuses_remote() {
    let directory = tempfile::tempdir().unwrap();
    let config = "[journal]\ndirectory = \"DIR/state\"\n[sink]\nto = [\"file\"]\n[[rule]]\nmatch = { tool = \"close_*\" }\nclass = \"far\"\n\
                  [class.far]\nacknowledge = \"remote\"\n";
    let (code, output, said) = proxy(directory.path(), config);
    assert_eq!((code, output.as_str()), (2, ""), "{said}");
    assert!(said.contains("[class] acknowledge=\"remote\" cannot be used"), "{said}");
    assert!(said.contains("add otlp to AUDITRAIL_SINK"), "{said}");
}
