//! OTLP over gRPC: a tonic channel, and a codec that takes bytes that are encoded already.

mod classify;
mod connector;
mod guard;
#[cfg(test)]
mod tests;

pub use self::connector::GrpcConnector;
