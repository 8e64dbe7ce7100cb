//! The proxy as a process, with a server behind it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::client;

/// It is killed at the end.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    child: Child,
    _directory: TempDir,
}

impl Proxy {
    /// Its collector is away.
    pub(crate) fn start() -> Self {
        Self::with(|command| {
            // Nobody listens there.
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").env("AUDITRAIL_FLUSH_TIMEOUT", "0");
        })
    }

    /// With that collector. Who asks says from where it comes.
    pub(crate) fn shipping_to(collector: SocketAddr) -> Self {
        Self::with(|command| {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
            command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").env("AUDITRAIL_FLUSH_TIMEOUT", LAST_RECORDS);
        })
    }

    fn with(set: impl FnOnce(&mut Command)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let configuration = directory.path().join("auditrail.toml");
        std::fs::write(&configuration, "[identity]\ntrusted = [\"127.0.0.0/8\"]\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        command.args(["proxy", "--name", "bench", "--listen", "127.0.0.1:0"]);
        command.args(["--upstream", &format!("http://{}", client::server())]);
        command.arg("--config").arg(&configuration).env("OTEL_TRACES_EXPORTER", "none");
        command.env("AUDITRAIL_DIR", directory.path().join("state"));
        set(&mut command);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "the proxy did not start");
            if let Some(address) = line.trim().strip_prefix("auditrail: listens on ") {
                break address.parse().unwrap();
            }
        };
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { address, child, _directory: directory }
    }

    /// Told to end: it has sent what it recorded then.
    pub(crate) fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// `VmHWM`, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Milliseconds for what is left in the journal at the end.
const LAST_RECORDS: &str = "600000";
