//! Processes: servers of others, and the proxy in front of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use auditrail::record::Record;
use auditrail::serve::Receiver;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::peers::Peers;
use crate::rig::PATIENCE;

/// A server of others, as it says on standard error.
pub(crate) struct Serving {
    pub(crate) origin: String,
    _process: Child,
}

impl Serving {
    pub(crate) async fn start(peers: &Peers, program: PathBuf, arguments: &[PathBuf]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env("PEERS_CACHE", peers.cache());
        let (process, url) = said(&mut command, "MCP server on ").await;
        let origin = url.strip_suffix("/mcp").unwrap().to_owned();
        Self { origin, _process: process }
    }
}

/// The proxy in front of it, as a process.
pub(crate) struct Proxied {
    pub(crate) address: SocketAddr,
    process: Child,
    receiver: Receiver,
    _directory: TempDir,
}

impl Proxied {
    /// In front of that server, over plain HTTP.
    pub(crate) async fn start(server: &Serving, configuration: &str) -> Self {
        Self::with(&["--listen", "127.0.0.1:0", "--upstream", &server.origin], configuration).await
    }

    /// With the listener that the configuration has.
    pub(crate) async fn configured(configuration: &str) -> Self {
        Self::with(&[], configuration).await
    }

    async fn with(arguments: &[&str], configuration: &str) -> Self {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let file = directory.path().join("auditrail.toml");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_") {
                command.env_remove(name);
            }
        }
        command.arg("proxy").args(arguments).arg("--config").arg(&file);
        command.env("AUDITRAIL_DIR", directory.path().join("state")).env("AUDITRAIL_FLUSH_TIMEOUT", "20000");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap());
        let (process, address) = said(&mut command, "auditrail: listens on ").await;
        Self { address: address.parse().unwrap(), process, receiver, _directory: directory }
    }

    /// Ends it, and gives what it recorded of others.
    pub(crate) async fn records(mut self) -> Vec<Record> {
        let pid = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        assert!(tokio::time::timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap().success());
        let records = self.receiver.records();
        let records = records.iter().map(|got| Record::decode(&got.bytes).unwrap());
        records.filter(|record| record.event_name != "auditrail.lifecycle").collect()
    }
}

/// Starts it, and waits for the line that begins so.
async fn said(command: &mut Command, beginning: &str) -> (Child, String) {
    let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it ended");
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    };
    let rest = tokio::time::timeout(PATIENCE, line).await.unwrap();
    // What else it says has to go somewhere.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, rest)
}
