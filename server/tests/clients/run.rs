//! A client that others wrote, and the server that it is given.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use auditrail::record::names;
use auditrail::serve::{ReceivedRecord, Receiver, Snapshot};
use serde_json::Value;
use tokio::process::Command;

use crate::examples::example;
use crate::peers::{Peer, Peers};
use crate::process::{PATIENCE, Serving, nobody_is_left, printed};
use crate::trail::Received;

/// Who plays with whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) client: Client,
    pub(crate) mode: Mode,
    pub(crate) transport: Transport,
    pub(crate) server: Server,
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
    /// The client comes back for the streams of its cancelled calls, again and again, and gets their last events again.
    HttpResumed,
}

/// Who serves. Both have the same tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// `tests/clients/server`.
    Rmcp,
    /// `tests/peers/fastmcp`: Python, and no line of auditrail in it.
    FastMcp,
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
    /// What it calls itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TypeScript1 => "typescript-1-client",
            Self::TypeScript2 => "typescript-2-client",
            Self::Python => "python-client",
        }
    }

    fn command(self, peers: &Peers) -> Command {
        let (program, script) = match self {
            Self::TypeScript1 => (peers.node(), "tests/peers/typescript/session.mjs"),
            Self::TypeScript2 => (peers.node(), "tests/peers/typescript2/session.mjs"),
            Self::Python => (peers.path(Peer::Python), "tests/peers/python/session.py"),
        };
        let mut command = Command::new(program);
        command.arg(script).env("PEERS_CACHE", peers.cache()).stdin(Stdio::null()).kill_on_drop(true);
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

impl Server {
    /// Its own program, behind nothing.
    fn command(self, peers: &Peers) -> Vec<OsString> {
        match self {
            Self::Rmcp => vec![example("clients_server").into()],
            Self::FastMcp => vec![peers.path(Peer::FastMcp).into(), "tests/peers/fastmcp/server.py".into()],
        }
    }
}

impl Run {
    pub(crate) const fn needs(&self) -> &'static [Peer] {
        match (self.client, self.server) {
            (Client::TypeScript1, Server::Rmcp) => &[Peer::TypeScript],
            (Client::TypeScript2, Server::Rmcp) => &[Peer::TypeScript2],
            (Client::Python, Server::Rmcp) => &[Peer::Python],
            (Client::TypeScript1, Server::FastMcp) => &[Peer::TypeScript, Peer::FastMcp],
            (Client::TypeScript2, Server::FastMcp) => &[Peer::TypeScript2, Peer::FastMcp],
            (Client::Python, Server::FastMcp) => &[Peer::Python, Peer::FastMcp],
        }
    }

    /// In which ways it can be audited.
    pub(crate) const fn audits(&self) -> &'static [Audit] {
        match self.server {
            Server::Rmcp => &[Audit::On, Audit::Proxy],
            Server::FastMcp => &[Audit::Proxy],
        }
    }

    /// The client's whole story against a server of its own.
    pub(crate) async fn against(&self, peers: &Peers, audit: Audit) -> Seen {
        let receiver = Receiver::builder().start().await.unwrap();
        let journal = tempfile::tempdir().unwrap();
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap().into()),
            ("AUDITRAIL_DIR", journal.path().as_os_str().to_owned()),
        ];
        let printed = match self.transport {
            Transport::Stdio => self.over_stdio(peers, audit, &settings, journal.path()).await,
            Transport::Http | Transport::HttpResumed => self.over_http(peers, audit, &settings).await,
        };
        let records = if audit != Audit::Off { whole(&receiver).await } else { Received::all(&receiver.records()) };
        Seen { printed, records }
    }

    async fn over_stdio(&self, peers: &Peers, audit: Audit, settings: &Settings, mark: &Path) -> Vec<Value> {
        let mut client = self.client(peers);
        client.args(["stdio", "--"]).envs(settings.clone());
        if audit == Audit::Proxy {
            client.args(PROXY).arg("--");
        }
        // By its last argument the server is known in the table of processes.
        client.args(self.server.command(peers)).args(["stdio", audit.name()]).arg(mark);
        let printed = printed(client).await;
        nobody_is_left(mark).await;
        printed
    }

    async fn over_http(&self, peers: &Peers, audit: Audit, settings: &Settings) -> Vec<Value> {
        // Much later than the story takes, or as soon as there is a story.
        let retry = if self.transport == Transport::Http { "3600000" } else { "50" };
        let [program, arguments @ ..] = &self.server.command(peers)[..] else { panic!("{self:?} has no program") };
        let mut server = Command::new(program);
        server.args(arguments).args(["http", audit.name(), retry]).envs(settings.clone());
        let server = Serving::of(server).await;
        let mut proxy = None;
        if audit == Audit::Proxy {
            let mut command = Command::new(PROXY[0]);
            let upstream = server.origin();
            command.arg(PROXY[1]).args(["--listen", "127.0.0.1:0", "--upstream", &upstream]).envs(settings.clone());
            proxy = Some(Serving::of(command).await);
        }
        let mut client = self.client(peers);
        client.args(["http", &format!("{}/mcp", proxy.as_ref().unwrap_or(&server).origin())]);
        let printed = printed(client).await;
        if let Some(proxy) = proxy {
            assert!(proxy.ended().await.success(), "{self:?}");
        }
        let status = server.ended().await;
        // Web servers in Python end by the signal itself when they have ended.
        assert!(status.success() || self.server == Server::FastMcp, "{self:?}: {status}");
        printed
    }

    fn client(&self, peers: &Peers) -> Command {
        let mut command = self.client.command(peers);
        command.args(["--mode", self.mode.name()]);
        command
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

type Settings = [(&'static str, OsString); 2];

const PROXY: [&str; 2] = [env!("CARGO_BIN_EXE_auditrail"), "proxy"];
