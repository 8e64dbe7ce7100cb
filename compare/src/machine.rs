//! What the figures were measured on, and with.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// Figures of two machines do not stand in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) collector: String,
    pub(crate) peers: String,
}

impl Machine {
    pub(crate) fn this(collector: &Path) -> Self {
        let cpu = read("/proc/cpuinfo");
        let kilobytes: u64 = field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|size| size.split_whitespace().next()?.parse().ok())
            .unwrap_or(0);
        Self {
            processor: field(&cpu, "model name").unwrap_or_else(|| UNKNOWN.to_owned()),
            cores: cpu.lines().filter(|line| line.starts_with("processor")).count(),
            memory: format!("{} GiB", (kilobytes + (1 << 19)) >> 20),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: said_by(Command::new("rustc").arg("--version")),
            collector: said_by(Command::new(collector).arg("--version")),
            peers: PEERS.map(|peer| format!("{peer} {}", locked(peer))).join(", "),
        }
    }
}

/// Today, UTC.
pub(crate) fn today() -> String {
    said_by(Command::new("date").args(["-u", "+%F"]))
}

/// How busy the machine is: the mean number of processes that ran or wanted to in the last minute.
pub(crate) fn load() -> String {
    read("/proc/loadavg").split_whitespace().next().unwrap_or(UNKNOWN).to_owned()
}

/// The version of a package in the lock file that this program was built with.
fn locked(package: &str) -> &str {
    let name = format!("name = \"{package}\"\nversion = \"");
    let version = LOCK.split_once(&name).and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or(UNKNOWN)
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn said_by(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().next().map_or_else(|| UNKNOWN.to_owned(), |line| line.trim().to_owned())
}

const PEERS: [&str; 5] =
    ["opentelemetry_sdk", "opentelemetry-otlp", "opentelemetry-appender-tracing", "emit", "emit_otlp"];
const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));
const UNKNOWN: &str = "unknown";
