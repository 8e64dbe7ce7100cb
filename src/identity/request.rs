//! What an extractor sees of a request.

/// The input of an actor extractor: the method, and the HTTP request that carried the message, if there was one.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct RequestFacts<'a> {
    /// The method of the MCP message.
    pub method: &'a str,
    /// HTTP headers. Their values are asserted by the client, not verified.
    pub headers: Option<&'a http::HeaderMap>,
    /// HTTP extensions, where authentication middleware stores the claims it has verified.
    pub extensions: Option<&'a http::Extensions>,
    /// A hop that the operator trusts has sent the HTTP request. Otherwise no header says anything about the client.
    pub from_trusted_hop: bool,
}

impl RequestFacts<'_> {
    /// Whether the message came over stdio, or over another transport that is not HTTP.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.headers.is_none()
    }
}
