//! The HTTP proxy: a reverse proxy in front of one server, or a forward proxy for the clients of many.
//!
//! ```text
//!  client ─► accept ───► connection ─► router ─► McpService ─► relay ─► upstream ─► server
//!            (capacity,  (HTTP 1, 2)   (where    (the tap:     (hold)   (pool, TLS)
//!             TLS)                     to, who)   records)
//! ```
//!
//! Everything runs in the task of the client's connection (HTTP/2: of the stream), including the connection to the
//! server: bytes from the server are read, audited and written without a task switch.
//!
//! Invariants:
//! 1. The proxy sends what it received: method, target, header fields with their names, order and values, bodies and
//!    trailers, frame by frame, as they arrive. Only the fields of a connection (RFC 9110, section 7.6.1) and the framing of
//!    a body are its own.
//! 2. The proxy adds nothing: no `User-Agent`, `Accept-Encoding`, `Date`, `Via` or `X-Forwarded-For`, and follows no redirect.
//!    There are two exceptions, both asked for by the operator: injected trace context, with its `Content-Length`
//!    ([`HttpSettings::inject_trace`]), and the server's `Host`, base path and `Forwarded` ([`HttpSettings::host`],
//!    [`Upstream::new`], [`HttpSettings::forwarded`]).
//! 3. If a client disconnects, its request to the server ends; if a server disconnects, the answer ends.
//! 4. Timeouts apply to connections and to heads of requests, never to bodies.
//! 5. Memory is bounded, however slowly a peer reads: buffers have a fixed size (`BUFFER`).
//! 6. The number of connections is bounded, and leaves the journal the descriptors that it needs ([`Connections`]).
//! 7. A failure of the audit changes nothing of this, except where calls are held ([`HttpSettings::max_held`]): a request that
//!    could not be recorded or understood is not relayed there.

mod answer;
mod body;
mod capacity;
mod client_certificate;
mod error;
mod headers;
mod limits;
mod relay;
mod server;
mod settings;
#[cfg(feature = "tls")]
mod tls;
mod upstream;

pub use self::capacity::Connections;
pub use self::client_certificate::{CertificateExtractor, CertificateName, ClientCertificates};
pub use self::error::HttpProxyError;
pub use self::headers::{AddressField, IdentityFields, TrustedHop, TrustedHops};
pub use self::server::{HttpProxy, serve};
pub use self::settings::{HostField, HttpSettings, PemFiles, ProxyMode, Upstream};
