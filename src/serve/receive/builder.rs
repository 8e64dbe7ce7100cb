//! The settings of a receiver.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch};

use super::intake::Intake;
use super::listen::{self, Protocol};
use super::receiver::Receiver;
use super::{grpc, http};
use crate::record::{Clock as _, SystemClock};
use crate::serve::error::ServeError;
use crate::serve::received::{Received, RingLimits};

/// Settings of a [`Receiver`]; every one has a default that works.
#[derive(Clone, Debug)]
#[must_use = "nothing is received before `start`"]
pub struct ReceiverBuilder {
    grpc: Option<SocketAddr>,
    http: Option<SocketAddr>,
    capacity: usize,
    held_bytes: usize,
    message_bytes: usize,
    grace: Duration,
}

impl Receiver {
    /// Creates the settings of a receiver that listens for gRPC on a free port of 127.0.0.1 by default.
    pub fn builder() -> ReceiverBuilder {
        ReceiverBuilder::default()
    }
}

impl ReceiverBuilder {
    /// Sets the address for OTLP/gRPC and the read service. Default: a free port of 127.0.0.1.
    pub fn grpc(mut self, address: SocketAddr) -> Self {
        self.grpc = Some(address);
        self
    }

    /// Disables gRPC.
    pub fn without_grpc(mut self) -> Self {
        self.grpc = None;
        self
    }

    /// Sets the address for OTLP/HTTP (protobuf, `/v1/logs` and `/v1/traces`). Default: none.
    pub fn http(mut self, address: SocketAddr) -> Self {
        self.http = Some(address);
        self
    }

    /// Limits how many records, and how many spans, are held. Default: 65 536 of each.
    pub fn capacity(mut self, items: usize) -> Self {
        self.capacity = items;
        self
    }

    /// Limits how many bytes of memory records, and spans, may take, in encoded and decoded form together. Default:
    /// 512 MiB for each; 65 536 audit records with 40 attributes take about 450 MiB.
    pub fn max_held_bytes(mut self, bytes: usize) -> Self {
        self.held_bytes = bytes;
        self
    }

    /// Limits the size of an export, in bytes after decompression. Default: 16 MiB.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self
    }

    /// Sets how long exports in progress may take to end when the receiver stops. Default: 5 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Listens and serves, on tasks of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ServeError::Bind`] if the receiver cannot listen on an address; [`ServeError::NothingToServe`] and
    /// [`ServeError::ZeroLimit`] for settings with which nothing could be received.
    pub async fn start(self) -> Result<Receiver, ServeError> {
        self.check()?;
        // Both are bound before either is served: a receiver that fails to start has received nothing.
        let grpc = bind(Protocol::Grpc, self.grpc).await?;
        let http = bind(Protocol::Http, self.http).await?;

        let limits = RingLimits { items: self.capacity, bytes: self.held_bytes };
        let received = Received::new(limits, limits, SystemClock.unix_nano());
        let intake = Intake::new(received.clone(), self.message_bytes);
        let (stop, stopped) = watch::channel(false);
        let mut receiver = Receiver { received, grpc: None, http: None, stop, listeners: Vec::new() };
        if let Some((listener, address)) = grpc {
            let service = grpc::router(intake.clone());
            receiver.grpc = Some(address);
            receiver.listeners.push(listen::spawn(listener, Protocol::Grpc, service, stopped.clone(), self.grace));
        }
        if let Some((listener, address)) = http {
            let service = http::router(intake);
            receiver.http = Some(address);
            receiver.listeners.push(listen::spawn(listener, Protocol::Http, service, stopped, self.grace));
        }
        Ok(receiver)
    }

    fn check(&self) -> Result<(), ServeError> {
        if self.grpc.is_none() && self.http.is_none() {
            return Err(ServeError::NothingToServe);
        }
        let limits = [
            ("capacity", self.capacity),
            ("max_held_bytes", self.held_bytes),
            ("max_message_bytes", self.message_bytes),
        ];
        match limits.into_iter().find(|(_, limit)| *limit == 0) {
            Some((name, _)) => Err(ServeError::ZeroLimit { name }),
            None => Ok(()),
        }
    }
}

impl Default for ReceiverBuilder {
    fn default() -> Self {
        Self {
            grpc: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            http: None,
            capacity: DEFAULT_CAPACITY,
            held_bytes: DEFAULT_HELD_BYTES,
            message_bytes: DEFAULT_MESSAGE_BYTES,
            grace: DEFAULT_GRACE,
        }
    }
}

async fn bind(
    protocol: Protocol,
    address: Option<SocketAddr>,
) -> Result<Option<(TcpListener, SocketAddr)>, ServeError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await.and_then(|listener| {
        let taken = listener.local_addr()?;
        Ok((listener, taken))
    });
    match bound {
        Ok(bound) => Ok(Some(bound)),
        Err(source) => Err(ServeError::Bind { protocol: protocol.name(), address, source }),
    }
}

/// Some hours of a busy server, some seconds of a load test.
const DEFAULT_CAPACITY: usize = 65_536;
/// Above what the default capacity needs for usual records, so that the capacity is the limit that matters.
const DEFAULT_HELD_BYTES: usize = 512 * 1024 * 1024;
/// Above the 4 MiB that gRPC clients send by default, with room for large batches.
const DEFAULT_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// Below the 10 s after which supervisors usually kill.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);
