//! The thread that ships.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use super::delivery::{Delivery, ShipperContext, ShipperParts};
use super::lane::Lane;
use super::local::LocalSink;
use super::ship_error::ShipError;
use super::stats::ShipStats;
use super::target::Target;
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
    /// Disconnects when the thread has ended.
    ended: Mutex<Receiver<()>>,
}

impl Shipper {
    /// Starts to ship what `reader` reads. Both handles must be of one sink.
    ///
    /// # Errors
    /// If no thread can be created, or the connector refuses the settings.
    pub fn start(handles: (Reader, Settler), parts: ShipperParts, settings: &OtlpSettings) -> Result<Self, ShipError> {
        let runtime = OwnRuntime::new()?;
        let sink = {
            let _inside = runtime.0.as_ref().map(Runtime::enter);
            parts.connector.connect(settings)
        };
        let endpoint = settings.shown_endpoint();
        let sink = sink.map_err(|reason| ShipError::Connect { endpoint: endpoint.clone(), reason })?;
        let ShipperParts { notices, entropy, reports, .. } = parts;
        let context = ShipperContext { notices, entropy, reports };
        Self::start_on(runtime, "auditrail-ship", handles, Delivery::new(context, sink, Target::Collector(endpoint)))
    }

    /// Starts to write what `reader` reads to a sink on this machine.
    ///
    /// # Errors
    /// If no thread can be created.
    pub(crate) fn start_local(
        handles: (Reader, Settler),
        local: LocalSink,
        context: ShipperContext,
    ) -> Result<Self, ShipError> {
        let LocalSink { sink, target, thread } = local;
        Self::start_on(OwnRuntime::new()?, thread, handles, Delivery::new(context, sink, target))
    }

    fn start_on(
        runtime: OwnRuntime,
        name: &str,
        (reader, settler): (Reader, Settler),
        delivery: Delivery,
    ) -> Result<Self, ShipError> {
        let lane = Lane(Arc::new(delivery));
        let (stop, stopped) = oneshot::channel();
        let (running, ended) = channel();
        let (lane_of_thread, handle) = (lane.clone(), runtime.handle()?);
        let mut shipper = Self { stop: Some(stop), lane, runtime: handle, thread: None, ended: Mutex::new(ended) };
        let run = move || {
            runtime.run(ship(reader, settler, lane_of_thread), stopped);
            drop(running);
        };
        shipper.thread = Some(thread::Builder::new().name(name.into()).spawn(run)?);
        Ok(shipper)
    }

    /// Ships what waits without delay: no waiting for a batch, and no pause between attempts except those that the
    /// sink asked for.
    pub fn hurry(&self) {
        self.lane.0.hurry.now();
    }

    /// The runtime of the shipper's thread. The exporter of the traces runs here, too, so that a shutdown from a
    /// single-threaded runtime of the host cannot block itself.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The outcome of the last request, if the sink did not accept it.
    pub(crate) fn last_refusal(&self) -> Option<String> {
        self.lane.0.gate.last_refusal()
    }

    /// The shipper's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<ShipStats> {
        &self.lane.0.stats
    }

    /// The path to the sink, for another stream, such as that of a dead process. Run its drain on
    /// [`runtime`](Self::runtime).
    #[must_use]
    pub fn lane(&self) -> Lane {
        self.lane.clone()
    }
}

impl Drop for Shipper {
    /// A thread that waits for a disk that stands still is left to it.
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.ended.get_mut().recv_timeout(LAST_STEP);
        if let (Some(thread), Err(RecvTimeoutError::Disconnected)) = (self.thread.take(), ended) {
            // Its thread has already printed a panic; there is nothing to add.
            drop(thread.join());
        }
    }
}

/// A runtime that can be dropped anywhere, even inside the host's own runtime, where tokio's would panic.
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

/// How long the end waits for the thread's current work: longer than writing a file takes on a slow disk.
const LAST_STEP: Duration = Duration::from_secs(5);
