//! Third-party servers with a tool that reports that it ran.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::examples::example;
use crate::peers::{Peer, Peers};

/// Far more than it takes; only there so that a hang is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// After that many looks, a minute in all, a server gets another port.
const TRIES: usize = 3000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The Python SDK, the last version of its first generation.
    Python1,
    /// The Python SDK of today.
    Python2,
    /// The TypeScript SDK, which reads the bodies itself.
    TypeScript,
    /// The TypeScript SDK under Express, which reads them first.
    Express,
    McpGo,
    /// The official SDK for Go.
    GoSdk,
    Rmcp,
    /// A server of a few lines for Node.js, without an SDK.
    Bare,
}

impl Victim {
    pub(crate) const OVER_LINES: [Self; 7] =
        [Self::Python1, Self::Python2, Self::TypeScript, Self::McpGo, Self::GoSdk, Self::Rmcp, Self::Bare];
    pub(crate) const OVER_BODIES: [Self; 8] = [
        Self::Python1,
        Self::Python2,
        Self::TypeScript,
        Self::Express,
        Self::McpGo,
        Self::GoSdk,
        Self::Rmcp,
        Self::Bare,
    ];

    pub(crate) const OVER_EVENTS: [Self; 6] =
        [Self::Python1, Self::Python2, Self::TypeScript, Self::Express, Self::GoSdk, Self::Rmcp];

    pub(crate) const WITH_SESSIONS: [Self; 7] =
        [Self::Python1, Self::Python2, Self::TypeScript, Self::Express, Self::McpGo, Self::GoSdk, Self::Rmcp];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Python1 => "python1",
            Self::Python2 => "python2",
            Self::TypeScript => "typescript",
            Self::Express => "express",
            Self::McpGo => "mcp-go",
            Self::GoSdk => "go-sdk",
            Self::Rmcp => "rmcp",
            Self::Bare => "bare",
        }
    }

    pub(crate) const fn needs(self) -> &'static [Peer] {
        match self {
            Self::Python1 => &[Peer::Python130],
            Self::Python2 => &[Peer::Python],
            // The last for its Node.js alone.
            Self::TypeScript | Self::Express | Self::Bare => &[Peer::TypeScript],
            Self::McpGo => &[Peer::McpGo],
            Self::GoSdk => &[Peer::GoSdk],
            Self::Rmcp => &[],
        }
    }

    /// Its command.
    pub(crate) fn command(self, peers: &Peers, arguments: &[&str]) -> Vec<String> {
        let path = |peer| peers.path(peer).display().to_string();
        let mut command = match self {
            Self::Python1 => vec![path(Peer::Python130), "tests/peers/python/victim.py".to_owned()],
            Self::Python2 => vec![path(Peer::Python), "tests/peers/python/victim.py".to_owned()],
            Self::TypeScript | Self::Express => {
                vec![peers.node().display().to_string(), "tests/peers/typescript/victim.mjs".to_owned()]
            }
            Self::Bare => vec![peers.node().display().to_string(), "tests/peers/typescript/bare.mjs".to_owned()],
            Self::McpGo => vec![path(Peer::McpGo)],
            Self::GoSdk => vec![path(Peer::GoSdk)],
            Self::Rmcp => vec![example("rmcp_victim").display().to_string()],
        };
        command.extend(arguments.iter().map(ToString::to_string));
        command
    }

    /// A server over HTTP on a port of its own, that is ready.
    ///
    /// Until the server listens, its port is free for the servers of other tests and for connections, even for the one that asks
    /// whether it listens. So it counts only where the server itself has the port; if it has not got it, it gets another.
    pub(crate) async fn serve(self, answers: Answers, peers: &Peers, ran: &Path) -> Serving {
        let serve = async {
            loop {
                let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
                let mut process = self.start(port, answers, peers, ran);
                for _ in 0..TRIES {
                    if listens(&process, port).await {
                        return Serving { port, _process: process };
                    }
                    if process.try_wait().unwrap().is_some() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                // It has ended, or it stays without its port.
                process.kill().await.unwrap();
            }
        };
        timeout(PATIENCE, serve).await.unwrap_or_else(|_| panic!("{}: the server did not start", self.name()))
    }

    fn start(self, port: u16, answers: Answers, peers: &Peers, ran: &Path) -> Child {
        let kind = if self == Self::Express { "express" } else { "http" };
        let command = self.command(peers, &[kind, &port.to_string()]);
        let mut process = Command::new(&command[0]);
        process.args(&command[1..]).env("RAN", ran).env("PEERS_CACHE", peers.cache());
        match answers {
            Answers::Json => {}
            Answers::Events => {
                process.env("ANSWERS", "events");
            }
            Answers::Sessions => {
                process.env("ANSWERS", "sessions");
            }
        }
        process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        process.spawn().unwrap()
    }
}

/// Whether that process accepts connections on that port: on Linux the kernel says whose socket it is.
async fn listens(process: &Child, port: u16) -> bool {
    if !cfg!(target_os = "linux") {
        return TcpStream::connect(("127.0.0.1", port)).await.is_ok();
    }
    let Some(id) = process.id() else { return false };
    let Ok(open) = std::fs::read_dir(format!("/proc/{id}/fd")) else { return false };
    let open: Vec<_> = open.flatten().filter_map(|file| std::fs::read_link(file.path()).ok()).collect();
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let table = std::fs::read_to_string(table).unwrap_or_default();
        table.lines().any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields.as_slice() else { return false };
            local.ends_with(&format!(":{port:04X}")) && open.contains(&format!("socket:[{inode}]").into())
        })
    })
}

/// What a server over HTTP answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Json,
    Events,
    /// Event streams, in sessions.
    Sessions,
}

/// It is killed if it is left.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) port: u16,
    _process: Child,
}

/// The names of the tools that ran, as the file has them. What stands behind its last line end is not written yet.
pub(crate) fn ran(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines
        .map(|line| {
            let line: Value = serde_json::from_str(&without_halves(line)).unwrap();
            line["tool"].as_str().unwrap_or_default().to_owned()
        })
        .collect()
}

/// Python and Node.js write half a surrogate pair as it was; nothing else of what is sent has an escape of that kind.
fn without_halves(line: &str) -> String {
    let mut whole = line.to_owned();
    for (at, _) in line.match_indices("\\ud").chain(line.match_indices("\\uD")) {
        if line.as_bytes().get(at + 3).is_some_and(|digit| b"89abcdefABCDEF".contains(digit)) {
            whole.replace_range(at..at + 6, "\\ufffd");
        }
    }
    whole
}
