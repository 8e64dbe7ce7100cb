//! The HTTP proxy: a reverse proxy in front of one server, or a forward proxy for the clients of many.
//!
//! ```text
//!  client ─► accept ─► connection ─► front ─► McpService ─► relay ─► upstream ─► server
//!            (room,    (HTTP 1, 2)   (where   (the tap:     (hold)   (pool, TLS)
//!             TLS)                   to, who)  records)
//! ```
//!
//! All of it runs in the task of the client's connection (HTTP/2: of the stream), the connection to the server too: what comes
//! from the server is read, looked at and written without another task in between.
//!
//! Invariants:
//! 1. What is sent is what was received: method, target, header fields with their names, order and values, bodies and
//!    trailers, frame by frame, when they come. Only the fields that belong to a connection are its own
//!    (RFC 9110, section 7.6.1), and how a body is framed.
//! 2. Nothing is added: no `User-Agent`, `Accept-Encoding`, `Date`, `Via` or `X-Forwarded-For`; no redirect is followed. But
//!    where trace context is injected ([`HttpSettings::inject_trace`]), requests have that, and `Content-Length` says so; and
//!    `Host`, the path, and what tells of the way of a request are the server's where the operator wants it
//!    ([`HttpSettings::host`], [`Upstream::new`], [`HttpSettings::forwarded`]).
//! 3. A client that goes away takes its request to the server with it, and a server that breaks off breaks off the answer.
//! 4. Time-outs are for connections and for heads of requests; a body takes as long as it takes.
//! 5. Memory is bounded, however slowly somebody reads: buffers are of a fixed size (`BUFFER`).
//! 6. So is the number of connections, and the journal has what descriptors it needs ([`Connections`]).
//! 7. A mistake in the audit changes nothing of this, but where calls are held ([`HttpSettings::max_held`]): there what could
//!    not be recorded, or not be understood, is not relayed.

mod answer;
mod body;
mod capacity;
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
pub use self::error::HttpProxyError;
pub use self::headers::{AddressField, IdentityFields, TrustedHop, TrustedHops};
pub use self::server::{HttpProxy, serve};
pub use self::settings::{HostField, HttpSettings, Mode, PemFiles, Upstream};
