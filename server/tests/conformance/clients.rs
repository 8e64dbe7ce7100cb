//! The client side of the suite: a client of others, tested by the suite's own servers, as it is and through the forward
//! proxy, which it finds by `HTTP_PROXY`. A reverse proxy would change the origin, which OAuth is about.
//!
//! It is the Python SDK: the `fetch` of Node.js asks proxies for tunnels only, and what is tunnelled cannot be audited.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::everything::assert_paired;
use crate::peers::{Peer, Peers};
use crate::proxied::Proxied;
use crate::suite::{Check, Suite, alone, checks_below};
use crate::support::Bench;

const SCENARIOS: [(&str, &[&str]); 2] = [
    (
        "2025-11-25",
        &[
            "initialize",
            "tools_call",
            "elicitation-sep1034-client-defaults",
            "sse-retry",
            "auth/metadata-default",
            "auth/metadata-var1",
            "auth/metadata-var2",
            "auth/metadata-var3",
            "auth/scope-from-www-authenticate",
        ],
    ),
    ("2026-07-28", &["tools_call", "request-metadata", "auth/metadata-default"]),
];

pub(crate) async fn clients_score_the_same_through_the_forward_proxy(peers: Peers) {
    let (suite, python) = (Suite::of(&peers), peers.path(Peer::Python));
    let _alone = alone().await;
    let bench = Bench::new();
    let proxy = Proxied::forward(&bench.trail).await;
    let address = format!("http://{}", proxy.address);
    for (revision, scenarios) in SCENARIOS {
        for scenario in scenarios {
            let direct = run(&suite, &python, (scenario, revision), None).await;
            let proxied = run(&suite, &python, (scenario, revision), Some(&address)).await;
            println!("{scenario} at {revision}: {} checks", direct.len());
            assert!(!direct.is_empty(), "{scenario} at {revision} checks nothing");
            assert_eq!(proxied, direct, "{scenario} at {revision}");
        }
    }
    proxy.end().await;
    let records = bench.records();
    println!("{} records", records.len());
    assert_paired(&records);
}

async fn run(suite: &Suite, python: &Path, (scenario, revision): (&str, &str), proxy: Option<&str>) -> Vec<Check> {
    let results = tempfile::tempdir().unwrap();
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/python/conformance.py");
    let mut command = Command::new(suite.node());
    command.arg(suite.program()).args(["client", "--scenario", scenario, "--spec-version", revision]);
    command.arg("--command").arg(format!("{} {}", python.display(), client.display()));
    command.arg("--output-dir").arg(results.path());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(variable);
    }
    if let Some(proxy) = proxy {
        command.env("HTTP_PROXY", proxy).env("http_proxy", proxy);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let checks = checks_below(results.path());
    assert!(!checks.is_empty(), "{scenario}: {}", String::from_utf8_lossy(&output.stdout));
    checks
}
