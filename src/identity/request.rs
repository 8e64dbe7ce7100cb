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
}
