//! A server that is not ours, `@modelcontextprotocol/server-everything`, as it is and through the proxy. It has other
//! fixtures than the suite wants, so it fails many scenarios: the same ones, in the same checks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use auditrail::record::{Record, names};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::peers::{Peer, Peers};
use crate::proxied::Proxied;
use crate::suite::{Scores, Status, Suite, alone};
use crate::support::Bench;

/// It speaks no later one.
const REVISION: &str = "2025-11-25";

pub(crate) async fn server_everything_scores_the_same_through_the_proxy(peers: Peers) {
    let suite = Suite::of(&peers);
    let _alone = alone().await;
    let direct = {
        let server = Everything::start(&peers).await;
        suite.run(&server.url(server.address), REVISION, "everything-direct").await
    };
    let bench = Bench::new();
    let proxied = {
        let server = Everything::start(&peers).await;
        let proxy = Proxied::before(server.address, &bench.trail).await;
        let scores = suite.run(&server.url(proxy.address), REVISION, "everything-proxied").await;
        proxy.end().await;
        scores
    };
    let shown = |scores: &Scores| (scores.count(Status::Success), scores.count(Status::Failure));
    let records = bench.records();
    println!("direct {:?}, proxied {:?}, {} records", shown(&direct), shown(&proxied), records.len());
    for (scenario, checks) in &direct.scenarios {
        assert_eq!(proxied.scenarios.get(scenario), Some(checks), "{scenario}");
    }
    assert_eq!(direct.scenarios.len(), proxied.scenarios.len());
    assert_paired(&records);
}

/// Each call has one request record and one response record.
pub(crate) fn assert_paired(records: &[Record]) {
    let mut calls = BTreeMap::<&str, Vec<&str>>::new();
    for record in records {
        if let Some(phase) = record.text(names::AUDITRAIL_PHASE) {
            calls.entry(record.text(names::AUDITRAIL_CALL_ID).unwrap()).or_default().push(phase);
        }
    }
    assert!(!calls.is_empty());
    calls.values_mut().for_each(|phases| phases.sort_unstable());
    assert!(calls.values().all(|phases| *phases == ["request", "response"]), "{calls:?}");
}

struct Everything {
    address: SocketAddr,
    _process: Child,
}

impl Everything {
    async fn start(peers: &Peers) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let process = Command::new(peers.node())
            .arg(peers.path(Peer::Everything))
            .arg("streamableHttp")
            .env("PORT", free.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let listens = async {
            while TcpStream::connect(free).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), listens).await.expect("server-everything listens");
        Self { address: free, _process: process }
    }

    fn url(&self, address: SocketAddr) -> String {
        format!("http://localhost:{}/mcp", address.port())
    }
}
