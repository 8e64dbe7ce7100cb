//! Shuts the relay down, whichever side ends first.
//!
//! ```text
//!  client closes ──► server's stdin is closed; the journal is flushed early ──────┐
//!  signal ─────────► to the server's group; the journal is flushed early ─────────┼─► server has ended
//!  server exits ──────────────────────────────────────────────────────────────────┘        │
//!  exit with its code ◄── trail is closed ◄── client sees the end ◄── group is gone, output is relayed
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use auditrail::Trail;
use auditrail::internals::TrailInside as _;
use auditrail::internals::correlate::{self, Exchange};
use auditrail::internals::trail::Core;
use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::child::Child;
use super::output::Output;
use super::signals::Signals;
use super::threads::on_a_thread;

/// A running session.
#[derive(Debug)]
pub(super) struct Shutdown<K> {
    pub(super) trail: Trail,
    /// Dropped when the trail is closed.
    pub(super) kept: K,
    pub(super) exchange: Arc<Exchange>,
    pub(super) child: Child,
    pub(super) ended: oneshot::Receiver<()>,
    pub(super) signals: Signals,
    pub(super) output: Arc<Output>,
    pub(super) input_ended: oneshot::Receiver<()>,
    pub(super) output_ended: oneshot::Receiver<()>,
}

impl<K: Send + 'static> Shutdown<K> {
    /// Waits for the end, and returns the exit code.
    pub(super) async fn wait(mut self) -> io::Result<u8> {
        let mut client_is_there = true;
        loop {
            tokio::select! {
                _ = &mut self.ended => break,
                signal = self.signals.next() => {
                    self.child.signal(signal);
                    hurry(self.trail.core());
                }
                _ = &mut self.input_ended, if client_is_there => {
                    client_is_there = false;
                    hurry(self.trail.core());
                }
            }
        }
        let code = self.child.reap()?;
        let Self { trail, kept, exchange, mut child, mut signals, output, output_ended, .. } = self;
        let close = async {
            relayed(&output, output_ended, &mut signals).await;
            exchange.close(correlate::ExchangeEnd::Dropped);
            exchange.session().close();
            closed(trail, kept, &mut signals).await
        };
        let ((), closed) = tokio::join!(end_group(&mut child), close);
        closed.map(|()| code)
    }
}

/// Processes that the server has started and left behind get some time, then SIGTERM, then SIGKILL.
async fn end_group(child: &mut Child) {
    for word in [None, Some(Signal::TERM), Some(Signal::KILL)] {
        if let Some(word) = word {
            child.signal(word);
        }
        let gone = async {
            while child.has_others() {
                sleep(LOOK_AGAIN).await;
            }
        };
        if timeout(GRACE, gone).await.is_ok() {
            return;
        }
    }
}

/// Everything that was written before is relayed, however slow the client is. A process that has left the server's
/// group and kept its output is not waited for.
async fn relayed(output: &Output, mut ended: oneshot::Receiver<()>, signals: &mut Signals) {
    let mut idle_since = None;
    loop {
        tokio::select! {
            _ = &mut ended => return,
            () = signals.end() => return,
            () = sleep(2 * GRACE) => {
                let idle = output.idle_since();
                if idle.is_some() && idle == idle_since {
                    return output.close();
                }
                idle_since = idle;
            }
        }
    }
}

/// Closes the trail. After a second signal, it does not wait for the collector; everything is in the journal by then.
async fn closed(trail: Trail, kept: impl Send + 'static, signals: &mut Signals) -> io::Result<()> {
    let closed = on_a_thread("auditrail-end", move || {
        // The kept value may be telemetry, which has its own handle; records do not wait for its spans then.
        drop(trail);
        drop(kept);
    })?;
    tokio::select! {
        _ = closed => {}
        () = signals.end() => {}
    }
    Ok(())
}

/// Ships what there is while the server ends, so that little is left to wait for.
fn hurry(core: &Arc<Core>) {
    let core = core.clone();
    tokio::spawn(async move {
        // What is not delivered in time is tried once more at the end.
        let _done = core.flush(core.settings().flush_timeout).await;
    });
}

/// MCP clients wait for 2 s before they kill a server; all steps together take much less.
const GRACE: Duration = Duration::from_millis(250);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
