//! How a message travels.

use crate::record::{Attributes, names};

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
