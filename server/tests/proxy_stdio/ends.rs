//! Invariants 5 and 6: the end that one side makes is the end that the other sees.

use std::io::Write as _;

use crate::rig::{PATIENCE, Proxy, within};

#[test]
fn the_exit_code_is_the_servers() {
    for code in [0, 1, 7, 255] {
        let played = Proxy::of_script(&format!("cat >/dev/null; exit {code}")).send("");
        assert_eq!(played.code(), code, "{}", played.said);
    }
}

#[test]
fn a_server_that_a_signal_ends_has_the_exit_code_of_a_shell() {
    for (signal, code) in [("TERM", 143), ("KILL", 137), ("SEGV", 139)] {
        let played = Proxy::of_script(&format!("kill -s {signal} $$")).send("");
        assert_eq!(played.code(), code, "{}", played.said);
    }
}

#[test]
fn a_server_that_cannot_be_started_is_named() {
    for (program, code) in [("/no/such/program", 127), ("/etc/passwd", 126)] {
        let played = Proxy::of(&[program]).send("");
        assert_eq!(played.code(), code);
        let expected = format!("auditrail: cannot start \"{program}\": ");
        assert!(played.said.contains(&expected), "{}", played.said);
        assert!(played.output.is_empty());
    }
}

#[test]
fn standard_error_is_the_proxys_own() {
    let played = Proxy::of_script("echo out; echo err >&2").send("");
    assert_eq!(played.text(), "out\n");
    assert!(played.said.contains("err\n"), "{}", played.said);
}

#[test]
fn all_that_a_server_wrote_before_its_end_is_relayed() {
    let played = Proxy::of_script("head -c 3000000 /dev/zero; exit 3").send("");
    assert_eq!((played.code(), played.output.len()), (3, 3_000_000));
}

#[test]
fn a_client_that_closes_is_heard_by_the_server() {
    let mut running = Proxy::of_script("echo ready; cat >/dev/null; echo bye; exit 5").start();
    running.read_until("ready");
    let played = running.end();
    assert_eq!((played.code(), played.text().as_str()), (5, "ready\nbye\n"));
}

#[test]
fn a_server_that_closes_its_output_is_heard_by_the_client() {
    let mut running = Proxy::of_script("exec >&-; cat >/dev/null; exit 6").start();
    running.read_to_end();
    assert!(running.process.try_wait().unwrap().is_none(), "the server goes on");
    assert_eq!(running.end().code(), 6);
}

#[test]
fn a_server_that_closes_its_input_is_heard_by_the_client() {
    let mut running = Proxy::of_script("exec <&-; echo ready; exec sleep 600").start();
    running.read_until("ready");
    let input = running.input.as_mut().unwrap();
    let refused = within(PATIENCE, || input.write_all(b"{}\n").err());
    assert_eq!(refused.map(|error| error.kind()), Some(std::io::ErrorKind::BrokenPipe));
    running.signal("TERM");
    assert_eq!(running.end().code(), 143);
}

#[test]
fn a_client_that_closes_what_it_reads_is_heard_by_the_server() {
    // Here the shell is the client: it reads one line.
    let proxy = env!("CARGO_BIN_EXE_auditrail");
    let played = Proxy::of_script(&format!(
        "export AUDITRAIL_DIR=$DIR/inner; {{ {proxy} proxy -- yes; echo $? >$DIR/code; }} </dev/null | head -n 1"
    ));
    let played = played.send("");
    assert_eq!(played.text(), "y\n");
    assert_eq!(played.file("code"), b"141\n", "SIGPIPE: {}", played.said);
}

#[test]
fn signals_are_passed_on() {
    for signal in ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"] {
        let script = format!("trap 'echo got; exit 9' {signal}; echo ready; while :; do sleep 0.02; done");
        let mut running = Proxy::of_script(&script).start();
        running.read_until("ready");
        running.signal(signal);
        let played = running.ended();
        assert_eq!((played.code(), played.text().as_str()), (9, "ready\ngot\n"), "{signal}: {}", played.said);
    }
}

/// Clients take two seconds; the collector takes for ever.
#[test]
fn a_collector_that_does_not_answer_is_not_waited_for_when_asked_again() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let proxy = Proxy::of(&["cat"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let mut running = proxy.env("AUDITRAIL_FLUSH_TIMEOUT", "3600000").start();
    running.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
    running.read_until("ping");
    drop(running.input.take());
    running.read_to_end();
    // The first may still have been for the server, in the middle of its own end.
    let ended = within(PATIENCE, || {
        running.signal("TERM");
        running.process.try_wait().unwrap()
    });
    let code = ended.and_then(|status| status.code());
    assert!(matches!(code, Some(0 | 143)), "{code:?}");
}
