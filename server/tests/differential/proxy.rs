//! The proxy in front of a victim, as a process, in three ways.

use std::path::Path;
use std::process::Stdio;

use auditrail::record::Record;
use auditrail::serve::Receiver;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::victim::PATIENCE;

/// What the proxy may do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It records it.
    Open,
    /// It refuses what it cannot record, or read for sure.
    Ruled,
    /// It refuses all, since nobody takes the records in time.
    Shut,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Open, Self::Ruled, Self::Shut];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ruled => "ruled",
            Self::Shut => "shut",
        }
    }

    fn configuration(self) -> String {
        let class = match self {
            Self::Open => return String::new(),
            Self::Ruled => "when_full = \"refuse\"",
            Self::Shut => "acknowledge = \"remote\"\nwhen_full = \"refuse\"\ndeadline = \"1ms\"",
        };
        format!("[[rule]]\nmatch = {{ method = \"tools/call\" }}\nclass = \"critical\"\n[class.critical]\n{class}\n")
    }
}

/// It is killed if it is left.
pub(crate) struct Proxy {
    pub(crate) process: Child,
    receiver: Receiver,
    _directory: TempDir,
}

impl Proxy {
    pub(crate) async fn start(way: Way, arguments: &[&str], ran: &Path, cache: &Path) -> Self {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let file = directory.path().join("auditrail.toml");
        std::fs::write(&file, way.configuration()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_")) {
                command.env_remove(name);
            }
        }
        let (endpoint, flush) = match way {
            Way::Shut => ("http://127.0.0.1:9".to_owned(), "1"),
            _ => (receiver.grpc_endpoint().unwrap(), "100000"),
        };
        command.args(["proxy", "--config"]).arg(&file).args(arguments);
        command.env("AUDITRAIL_DIR", directory.path().join("state")).env("AUDITRAIL_FLUSH_TIMEOUT", flush);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_TRACES_EXPORTER", "none");
        command.env("RAN", ran).env("PEERS_CACHE", cache);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = command.kill_on_drop(true).spawn().unwrap();
        Self { process, receiver, _directory: directory }
    }

    /// Where it listens. What else it says is read and dropped.
    pub(crate) async fn address(&mut self) -> String {
        let mut said = BufReader::new(self.process.stderr.take().unwrap()).split(b'\n');
        loop {
            let line = timeout(PATIENCE, said.next_segment()).await.unwrap().unwrap().expect("the proxy has ended");
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(address) = line.strip_prefix("auditrail: listens on ") {
                tokio::spawn(async move { while let Ok(Some(_)) = said.next_segment().await {} });
                return address.to_owned();
            }
        }
    }

    pub(crate) fn terminate(&self) {
        if let Some(pid) = self.process.id() {
            let pid = pid.to_string();
            drop(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status());
        }
    }

    /// All that it recorded, once it ends.
    pub(crate) async fn end(mut self) -> Vec<Record> {
        timeout(PATIENCE, self.process.wait()).await.expect("the proxy does not end").unwrap();
        self.receiver.records().iter().map(|got| Record::decode(&got.bytes).unwrap()).collect()
    }
}
