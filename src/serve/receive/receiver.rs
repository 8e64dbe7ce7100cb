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
    /// Where OTLP/gRPC and the read service are listened for, with the port that was taken.
    #[must_use]
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// Where OTLP/HTTP is listened for, with the port that was taken.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The gRPC address as a client on this machine takes it: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn grpc_endpoint(&self) -> Option<String> {
        self.grpc.map(endpoint)
    }

    /// The HTTP address as a client on this machine takes it, without the path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn http_endpoint(&self) -> Option<String> {
        self.http.map(endpoint)
    }

    /// A handle to what is held; it stays readable after the receiver has stopped.
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

    /// The record with this `audit.record.id`, the last received if there are several.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<Arc<ReceivedRecord>> {
        self.received.record(id)
    }

    /// How many records came with an id that a record held at that time had already: redeliveries.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.received.duplicates()
    }

    /// How much was dropped to keep memory bounded.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.received.dropped()
    }

    /// Waits until `ready` says that everything is there; see [`Received::wait_for`].
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] when it did not say so `within` this time.
    pub async fn wait_for(
        &self,
        ready: impl FnMut(&Snapshot) -> bool,
        within: Duration,
    ) -> Result<Snapshot, WaitError> {
        self.received.wait_for(ready, within).await
    }

    /// The records after `position`, then those to come; see [`Received::subscribe`].
    ///
    /// # Errors
    ///
    /// [`TailError::NotHeld`] and [`TailError::Unknown`] when it is not possible to go on after `position`.
    pub fn subscribe(&self, position: u64) -> Result<Subscription, TailError> {
        self.received.subscribe(position)
    }

    /// Stops listening, lets exports under way come to their end within the grace time, and closes what is left.
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

/// Nobody can connect to "any address"; loopback is one that works.
fn endpoint(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
