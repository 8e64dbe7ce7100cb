//! OTLP over gRPC: a tonic channel, and a codec for bytes that are already encoded.

mod classify;
mod connector;
mod guard;
#[cfg(test)]
mod tests;

pub use self::connector::GrpcConnector;
