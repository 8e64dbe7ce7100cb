//! OTLP over HTTP with binary protobuf.

mod classify;
mod client;
mod connector;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;

#[cfg(feature = "layer")]
pub(crate) use self::client::HttpClient;
pub use self::connector::HttpConnector;
