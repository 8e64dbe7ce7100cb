//! Which way a message travels.

/// `auditrail.mcp.direction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The client asks the server.
    ClientToServer,
    /// The server asks its client: sampling, elicitation, roots.
    ServerToClient,
}

impl Direction {
    /// As in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
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
