//! `auditrail proxy` as a process whose collector is away, so that all of its records are in its journal.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use auditrail::journal::{BatchLimits, JournalOptions, orphans};
use auditrail::record::Record;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::rig::within;

/// It is killed if it is left.
pub(crate) struct Running {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
}

impl Running {
    pub(crate) async fn before(server: SocketAddr, configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("auditrail.toml");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_") {
                command.env_remove(name);
            }
        }
        command.args(["proxy", "--listen", "127.0.0.1:0", "--upstream", &format!("http://{server}"), "--config"]);
        command.arg(&file).env("AUDITRAIL_DIR", directory.path().join("state")).env("AUDITRAIL_FLUSH_TIMEOUT", "0");
        // Nobody listens there.
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").env("OTEL_TRACES_EXPORTER", "none");
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = within(lines.next_line()).await.unwrap().expect("it ended");
            if let Some(address) = line.strip_prefix("auditrail: listens on ") {
                break address.parse().unwrap();
            }
        };
        let said = Arc::<Mutex<Vec<String>>>::default();
        let kept = said.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        Self { process, address, said, directory }
    }

    /// The most memory that it had, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        let pid = self.process.id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Told to end, and ended: looks at each record in its journal.
    pub(crate) async fn ended(mut self, mut see: impl FnMut(Record)) {
        let pid = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        within(self.process.wait()).await.unwrap();
        let options = JournalOptions::new(self.directory.path().join("state").join("journal"));
        for orphan in orphans(&options).unwrap() {
            let Some(mut adopted) = orphan.adopt(&options).unwrap() else { continue };
            while let Some(batch) = adopted.reader.next(BatchLimits { records: 1000, bytes: 4 << 20 }) {
                batch.entries.iter().for_each(|entry| see(Record::decode(&entry.record).unwrap()));
            }
        }
    }
}
