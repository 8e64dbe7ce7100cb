//! The real collector as the oracle of the format.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::peers::{Peer, Peers};
use crate::rig::{run, writer};

/// What we wrote is sent to it as OTLP JSON, which its receiver reads with the same code as `otlpjsonfile` does; and its `file`
/// exporter, which gets each line as a request of its own, writes what we wrote, byte for byte.
pub(crate) async fn agrees(peers: Peers) {
    let directory = tempfile::tempdir().unwrap();
    let (ours, its) = (directory.path().join("trail.jsonl"), directory.path().join("its.jsonl"));
    let sink = [("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE", ours.to_str().unwrap())];
    let (code, _, said) =
        run(&mut writer(&directory.path().join("state"), &directory.path().join("oracle"), 40, &sink));
    assert_eq!(code, 0, "{said}");
    let ours = fs::read_to_string(ours).unwrap();
    assert_eq!(ours.lines().count(), 42);

    let (port, _collector) = collector(&peers, directory.path()).await;
    let http = reqwest::Client::new();
    let url = format!("http://127.0.0.1:{port}/v1/logs");
    for line in ours.lines() {
        let request = http.post(&url).header("content-type", "application/json").body(line.to_owned());
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status} {text}: {line}");
    }
    let begun = Instant::now();
    while fs::read_to_string(&its).unwrap_or_default().len() < ours.len() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{}", fs::read_to_string(&its).unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fs::read_to_string(&its).unwrap(), ours);
}

async fn collector(peers: &Peers, directory: &Path) -> (u16, Child) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = directory.join("collector.yaml");
    let text = format!(
        "receivers:\n  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{port}}}}}}}\nexporters:\n  file: {{path: {}, \
         flush_interval: 100ms}}\nservice:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines:\n    logs: {{receivers: [otlp], \
         exporters: [file]}}\n",
        directory.join("its.jsonl").display()
    );
    fs::write(&config, text).unwrap();
    let process = Command::new(peers.path(Peer::Collector))
        .arg("--config")
        .arg(config)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(120), "the collector does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (port, process)
}
