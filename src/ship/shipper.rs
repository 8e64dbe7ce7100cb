//! The thread that ships.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use super::delivery::{Delivery, ShipperParts};
use super::lane::Lane;
use super::stats::ShipStats;
use crate::config::OtlpSettings;
use crate::journal::{Reader, Settler};
use crate::locks::Mutex;

/// A running shipper. Dropping it stops the thread; what is not settled stays in the journal.
#[derive(Debug)]
pub struct Shipper {
    stop: Option<oneshot::Sender<()>>,
    lane: Lane,
    runtime: Handle,
    thread: Option<thread::JoinHandle<()>>,
    /// Hangs up when the thread has ended.
    ended: Mutex<Receiver<()>>,
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
    /// Starts shipping what the reader reads, to the sink that both handles are of.
    ///
    /// # Errors
    /// If there is no thread to be had, or the connector refuses the settings.
    pub fn start(
        (reader, settler): (Reader, Settler),
        parts: ShipperParts,
        settings: &OtlpSettings,
    ) -> Result<Self, ShipError> {
        let runtime = OwnRuntime::new()?;
        let sink = {
            let _inside = runtime.0.as_ref().map(Runtime::enter);
            parts.connector.connect(settings)
        };
        let target = settings.shown_endpoint();
        let sink = sink.map_err(|reason| ShipError::Connect { endpoint: target.clone(), reason })?;

        let lane = Lane(Arc::new(Delivery::new(parts, sink, target)));
        let (stop, stopped) = oneshot::channel();
        let (running, ended) = channel();
        let (lane_of_thread, handle) = (lane.clone(), runtime.handle()?);
        let mut shipper = Self { stop: Some(stop), lane, runtime: handle, thread: None, ended: Mutex::new(ended) };
        let run = move || {
            runtime.run(ship(reader, settler, lane_of_thread), stopped);
            drop(running);
        };
        shipper.thread = Some(thread::Builder::new().name("auditrail-ship".into()).spawn(run)?);
        Ok(shipper)
    }

    /// Ships at once what waits: no batch is waited for, and no pause between attempts but what the sink asked for.
    pub fn hurry(&self) {
        self.lane.0.hurry.now();
    }

    /// The runtime of the thread: the exporter of the traces runs here too, so that a shutdown from a single-threaded
    /// runtime of the host cannot block itself.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// What the last request came to, if the sink did not take it.
    pub(crate) fn last_refusal(&self) -> Option<String> {
        self.lane.0.gate.last_refusal()
    }

    /// What it counts.
    #[must_use]
    pub fn stats(&self) -> &Arc<ShipStats> {
        &self.lane.0.stats
    }

    /// The way to the sink, for another stream, such as one of a process that died. Its drain belongs on
    /// [`runtime`](Self::runtime).
    #[must_use]
    pub fn lane(&self) -> Lane {
        self.lane.clone()
    }
}

impl Drop for Shipper {
    /// A thread that waits for a disk which stands still is left to it.
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.ended.get_mut().recv_timeout(LAST_STEP);
        if let (Some(thread), Err(RecvTimeoutError::Disconnected)) = (self.thread.take(), ended) {
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

async fn ship(mut reader: Reader, mut settler: Settler, lane: Lane) {
    loop {
        let hurries = lane.0.hurry.count();
        reader.readable().await;
        lane.0.linger(hurries).await;
        lane.drain(&mut reader, &mut settler).await;
    }
}

/// How long the end waits for what the thread does: more than a file takes that is written on a disk that is slow.
const LAST_STEP: Duration = Duration::from_secs(5);
