//! A running receiver.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use crate::serve::error::{TailError, WaitError};
use crate::serve::received::{Dropped, Received, ReceivedRecord, ReceivedSpan, Snapshot, Subscription};

/// A running OTLP receiver that holds the newest records and spans in memory and answers `auditrail.v1.TrailService`.
///
/// ```
/// # use auditrail::serve::Receiver;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = Receiver::builder().start().await?;
/// // … export to `receiver.grpc_endpoint()`, then `receiver.wait_for(|seen| seen.records.len() == 2, …)` …
/// assert!(receiver.records().is_empty());
/// receiver.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// Dropping it stops it as [`shutdown`](Receiver::shutdown) does, without waiting.
#[derive(Debug)]
pub struct Receiver {
    pub(super) received: Received,
    pub(super) grpc: Option<SocketAddr>,
    pub(super) http: Option<SocketAddr>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) listeners: Vec<JoinHandle<()>>,
}

impl Receiver {
    /// The address for OTLP/gRPC and the read service, with the actual port.
    #[must_use]
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// The address for OTLP/HTTP, with the actual port.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The gRPC endpoint for a client on this machine: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn grpc_endpoint(&self) -> Option<String> {
        self.grpc.map(endpoint)
    }

    /// The HTTP endpoint for a client on this machine, without the path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn http_endpoint(&self) -> Option<String> {
        self.http.map(endpoint)
    }

    /// A handle to the received data; it stays readable after the receiver has stopped.
    #[must_use]
    pub fn received(&self) -> Received {
        self.received.clone()
    }

    /// All records held, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<ReceivedRecord>> {
        self.received.records()
    }

    /// All spans held, oldest first.
    #[must_use]
    pub fn spans(&self) -> Vec<Arc<ReceivedSpan>> {
        self.received.spans()
    }

    /// The record with this `audit.record.id`; the last received one if there are several.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<Arc<ReceivedRecord>> {
        self.received.record(id)
    }

    /// How many records arrived with an id that a held record already had: redeliveries.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.received.duplicates()
    }

    /// How much was dropped to keep memory bounded.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.received.dropped()
    }

    /// Waits until `ready` returns true; see [`Received::wait_for`].
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it did not return true `within` this time.
    pub async fn wait_for(
        &self,
        ready: impl FnMut(&Snapshot) -> bool,
        within: Duration,
    ) -> Result<Snapshot, WaitError> {
        self.received.wait_for(ready, within).await
    }

    /// The records after `position`, then new ones; see [`Received::subscribe`].
    ///
    /// # Errors
    ///
    /// [`TailError::NotHeld`] and [`TailError::Unknown`] if reading cannot continue after `position`.
    pub fn subscribe(&self, position: u64) -> Result<Subscription, TailError> {
        self.received.subscribe(position)
    }

    /// Stops listening, lets exports in progress end within the grace time, and closes what is left.
    pub async fn shutdown(mut self) {
        self.begin_stop();
        for listener in self.listeners.drain(..) {
            if let Err(error) = listener.await {
                tracing::warn!(%error, "a listener of the receiver did not end well");
            }
        }
    }

    /// Readers first: a stream that follows would otherwise keep its connection for the whole grace time.
    fn begin_stop(&self) {
        self.received.stop();
        self.stop.send_replace(true);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

/// A client cannot connect to "any address"; loopback works.
fn endpoint(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
