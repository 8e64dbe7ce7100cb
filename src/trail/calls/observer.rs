//! The point of view of a record.

/// `auditrail.observed_by`: who has seen the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Observer {
    /// The server that handles the call.
    #[default]
    Server,
    /// A proxy between client and server.
    Proxy,
    /// The client that makes the call.
    Client,
}

impl Observer {
    /// The value on the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Proxy => "proxy",
            Self::Client => "client",
        }
    }
}
