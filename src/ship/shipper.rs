//! The thread that ships.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Notify, oneshot};

use super::deliver::Delivery;
use super::{Connector, Envelope, ShipStats};
use crate::config::{Notices, OtlpSettings};
use crate::journal::{BatchLimits, Reader};
use crate::record::Entropy;

/// A running shipper. Dropping it stops the thread; what is not settled stays in the journal.
#[derive(Debug)]
pub struct Shipper {
    stop: Option<oneshot::Sender<()>>,
    hurry: Arc<Notify>,
    runtime: Handle,
    stats: Arc<ShipStats>,
    thread: Option<thread::JoinHandle<()>>,
}

/// The shipper could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShipError {
    /// No thread or no runtime.
    #[error("the shipper's thread could not start: {0}; the process may be at its limit of threads or files")]
    Thread(#[from] io::Error),
    /// The connector refused the settings.
    #[error("no connection to {endpoint} can be made: {reason}")]
    Connect {
        /// The collector.
        endpoint: String,
        /// Why, and what to do.
        reason: String,
    },
}

impl Shipper {
    /// Starts shipping what the reader reads.
    ///
    /// # Errors
    /// If there is no thread to be had, or the connector refuses the settings.
    pub fn start(reader: Reader, cargo: Cargo, settings: &OtlpSettings) -> Result<Self, ShipError> {
        let runtime = OwnRuntime::new()?;
        let sink = {
            let _inside = runtime.0.as_ref().map(Runtime::enter);
            cargo.connector.connect(settings)
        };
        let target = settings.endpoint.to_string();
        let sink = sink.map_err(|reason| ShipError::Connect { endpoint: target.clone(), reason })?;

        let (stop, stopped) = oneshot::channel();
        let (hurry, stats) = (Arc::new(Notify::new()), Arc::new(ShipStats::default()));
        let mut shipper = Self { stop: Some(stop), hurry, runtime: runtime.handle()?, stats, thread: None };
        let delivery = Delivery {
            sink,
            target,
            envelope: cargo.envelope,
            stats: shipper.stats.clone(),
            notices: cargo.notices,
            entropy: cargo.entropy,
            hurry: shipper.hurry.clone(),
            away: false,
        };
        let thread = thread::Builder::new().name("auditrail-ship".into());
        shipper.thread = Some(thread.spawn(move || runtime.run(ship(reader, delivery), stopped))?);
        Ok(shipper)
    }

    /// Ships at once what waits: no pause between attempts is kept, no batch is waited for.
    pub fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// The runtime of the thread: the exporter of the traces runs here too, so that a shutdown from a single-threaded
    /// runtime of the host cannot block itself.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// What it counts.
    #[must_use]
    pub fn stats(&self) -> &Arc<ShipStats> {
        &self.stats
    }
}

/// What the shipper takes along.
#[derive(Debug)]
pub struct Cargo {
    /// Resource and scope of the records.
    pub envelope: Envelope,
    /// Makes the connection.
    pub connector: Arc<dyn Connector>,
    /// Where it says that the collector is away or back.
    pub notices: Notices,
    /// Chance, for the jitter of retries.
    pub entropy: Arc<dyn Entropy>,
}

impl Drop for Shipper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by its thread; there is nothing to add.
            drop(thread.join());
        }
    }
}

/// A runtime that may be dropped anywhere, also inside the host's own runtime, where tokio's would panic.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> io::Result<Self> {
        Ok(Self(Some(tokio::runtime::Builder::new_current_thread().enable_all().build()?)))
    }

    fn handle(&self) -> io::Result<Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(|| io::Error::other("no runtime"))
    }

    fn run(self, ship: impl Future<Output = ()>, stopped: oneshot::Receiver<()>) {
        // Spans and events of our own HTTP/2 traffic must reach neither the host's subscriber nor its exporters.
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        tracing::dispatcher::with_default(&tracing::Dispatch::none(), || {
            if let Some(runtime) = &self.0 {
                runtime.block_on(async {
                    tokio::select! {
                        () = ship => {}
                        _ = stopped => {}
                    }
                });
            }
            drop(self);
        });
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn ship(mut reader: Reader, mut delivery: Delivery) {
    loop {
        reader.readable().await;
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = delivery.hurry.notified() => {}
        }
        while let Some(batch) = reader.next(LIMITS) {
            let records: Vec<_> = batch.entries.iter().map(|entry| entry.record.clone()).collect();
            delivery.deliver(&records).await;
            batch.entries.last().iter().for_each(|last| reader.settle(last.sequence));
        }
    }
}

/// Half a megabyte fills a connection and stays far below the 4 MiB that gRPC servers take by default.
const LIMITS: BatchLimits = BatchLimits { records: 2000, bytes: 512 * 1024 };
/// The first record after a pause waits this long for others: one request instead of many, one wake-up of this thread.
const LINGER: Duration = Duration::from_millis(10);
