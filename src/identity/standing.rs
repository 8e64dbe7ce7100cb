//! How well an actor is known.

#![cfg_attr(not(feature = "mcp"), allow(dead_code, reason = "only MCP has requests of the server"))]

use super::actor::{ANONYMOUS, Actor, UnverifiedReason};

/// How well the actor of a call is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Standing {
    /// Nothing names the actor.
    #[default]
    Anonymous,
    /// A credential was presented, and it does not verify the actor.
    Unverified(UnverifiedReason),
    /// Somebody says who it is.
    Asserted,
    /// A named extractor, or middleware, has verified it.
    Verified,
    /// The server itself, which sends a request to its client.
    Server,
}

impl Standing {
    /// Why it is not verified, in one word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => ANONYMOUS,
            Self::Unverified(reason) => reason.as_str(),
            Self::Asserted => "asserted",
            Self::Verified => "verified",
            Self::Server => "server",
        }
    }
}

impl Actor {
    pub(crate) fn standing(&self) -> Standing {
        match self.unverified {
            _ if self.verified => Standing::Verified,
            Some(reason) => Standing::Unverified(reason),
            None if self.id.is_empty() || self.id == ANONYMOUS => Standing::Anonymous,
            None => Standing::Asserted,
        }
    }
}
