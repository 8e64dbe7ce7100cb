//! Which way a message travels, and how.

use crate::record::{Attributes, names};

/// `auditrail.mcp.direction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The client asks the server.
    ClientToServer,
    /// The server asks its client: sampling, elicitation, roots.
    ServerToClient,
}

impl Direction {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ClientToServer => "client_to_server",
            Self::ServerToClient => "server_to_client",
        }
    }

    /// The other one: that of the answers.
    #[cfg(feature = "mcp")]
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::ClientToServer => Self::ServerToClient,
            Self::ServerToClient => Self::ClientToServer,
        }
    }
}

/// `auditrail.mcp.transport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Standard input and output of a child process.
    Stdio,
    /// Streamable HTTP.
    StreamableHttp,
}

impl Transport {
    pub(crate) fn write(self, attributes: &mut Attributes) {
        let (network, name) = match self {
            Self::Stdio => ("pipe", "stdio"),
            Self::StreamableHttp => ("tcp", "streamable_http"),
        };
        attributes.set(names::NETWORK_TRANSPORT, network);
        attributes.set(names::AUDITRAIL_MCP_TRANSPORT, name);
    }
}
