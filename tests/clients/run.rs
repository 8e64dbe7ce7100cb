//! A client that others wrote, and the server that it is given.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use auditrail::record::names;
use auditrail::serve::{ReceivedRecord, Receiver, Snapshot};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::examples::example;
use crate::trail::Received;

/// Who plays with whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) client: Client,
    pub(crate) mode: Mode,
    pub(crate) transport: Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    TypeScript1,
    TypeScript2,
    Python,
}

/// How the client opens the conversation, which decides on the protocol revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `initialize`: a session of revision 2025-11-25.
    Legacy,
    /// `server/discover`, by which it learns that the server speaks 2026-07-28, without sessions.
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Stdio,
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audit {
    Off,
    On,
    /// By `auditrail proxy`, of the server as it is.
    Proxy,
}

/// What came of it: the lines of the client, and the records of the server.
pub(crate) struct Seen {
    pub(crate) printed: Vec<Value>,
    pub(crate) records: Vec<Received>,
}

impl Client {
    /// What it needs of what `tests/peers/install` brings.
    pub(crate) const fn parts(self) -> [&'static str; 1] {
        match self {
            Self::TypeScript1 => ["typescript/node_modules/@modelcontextprotocol/sdk"],
            Self::TypeScript2 => ["typescript2/node_modules/@modelcontextprotocol/client"],
            Self::Python => ["python/bin/python"],
        }
    }

    /// What it calls itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TypeScript1 => "typescript-1-client",
            Self::TypeScript2 => "typescript-2-client",
            Self::Python => "python-client",
        }
    }

    fn command(self, peers: &Path) -> Command {
        let (program, script) = match self {
            Self::TypeScript1 => (PathBuf::from("node"), "tests/peers/typescript/session.mjs"),
            Self::TypeScript2 => (PathBuf::from("node"), "tests/peers/typescript2/session.mjs"),
            Self::Python => (peers.join("python/bin/python"), "tests/peers/python/session.py"),
        };
        let mut command = Command::new(program);
        command.arg(script).env("PEERS_CACHE", peers).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Auto => "auto",
        }
    }

    pub(crate) const fn revision(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Auto => "2026-07-28",
        }
    }
}

impl Run {
    /// The client's whole story against a server of its own.
    pub(crate) async fn against(&self, peers: &Path, audit: Audit) -> Seen {
        let receiver = Receiver::builder().start().await.unwrap();
        let journal = tempfile::tempdir().unwrap();
        let mut command = self.client.command(peers);
        command.args(["--mode", self.mode.name()]);
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap().into()),
            ("AUDITRAIL_DIR", journal.path().as_os_str().to_owned()),
        ];
        command.envs(settings.clone());
        let printed = match self.transport {
            Transport::Stdio => {
                command.args(["stdio", "--"]);
                if audit == Audit::Proxy {
                    command.args([env!("CARGO_BIN_EXE_auditrail"), "proxy", "--"]);
                }
                // By its argument the server is known in the table of processes.
                let mark = journal.path().to_str().unwrap();
                command.arg(example("clients_server")).args(["stdio", audit.name(), mark]);
                let printed = printed(command).await;
                nobody_is_left(mark).await;
                printed
            }
            Transport::Http => {
                let mut server = Command::new(example("clients_server"));
                server.args(["http", audit.name()]).envs(settings);
                let (server, url) = listening(server).await;
                command.args(["http", &url]);
                let printed = printed(command).await;
                ended(server).await;
                printed
            }
        };
        let records = if audit != Audit::Off { whole(&receiver).await } else { Received::all(&receiver.records()) };
        Seen { printed, records }
    }
}

impl Audit {
    const fn name(self) -> &'static str {
        match self {
            Self::Off | Self::Proxy => "plain",
            Self::On => "audited",
        }
    }
}

async fn printed(mut command: Command) -> Vec<Value> {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the client ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The server and its URL, once it listens.
async fn listening(mut command: Command) -> (Child, String) {
    let mut server = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it says where it listens");
    let url = line.unwrap().unwrap().rsplit_once(' ').unwrap().1.to_owned();
    // What else it says is for people.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("clients_server: {line}");
        }
    });
    (server, url)
}

/// SIGTERM, as an orchestrator ends a server.
async fn ended(mut server: Child) {
    let pid = server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let status = tokio::time::timeout(PATIENCE, server.wait()).await.expect("the server ends by itself").unwrap();
    assert!(status.success(), "{status}");
}

/// Clients close their server's input, and then take some time until they kill it: nothing of it outlives them for long.
async fn nobody_is_left(mark: &str) {
    let is_alive = || {
        let commands = std::fs::read_dir("/proc").into_iter().flatten();
        let mut commands = commands.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
        commands.any(|command| command.split(|byte| *byte == 0).any(|word| word == mark.as_bytes()))
    };
    let gone = async {
        while is_alive() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("a process of the server is left");
}

/// Everything, when every stream that began has come to its end. A stdio server may outlive its client by a moment.
async fn whole(receiver: &Receiver) -> Vec<Received> {
    let is_whole = |snapshot: &Snapshot| {
        let records = Received::all(&snapshot.records);
        let count = |state| records.iter().filter(|it| it.text(names::AUDITRAIL_LIFECYCLE_STATE) == state).count();
        count("started") > 0 && count("started") == count("stopped")
    };
    let seen = receiver.wait_for(is_whole, PATIENCE).await;
    let seen = seen.unwrap_or_else(|error| panic!("{error}: {:#?}", Received::all(&receiver.records())));
    Received::all(&seen.records)
}

impl Received {
    fn all(records: &[Arc<ReceivedRecord>]) -> Vec<Self> {
        records.iter().map(|received| Self::of(&received.bytes)).collect()
    }
}

/// Far more than it takes; only there so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(120);
