//! Waiting for something that can be seen, never for a time alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

/// Waits until the condition holds; gives up after the bound, and at Ctrl-C and SIGTERM.
pub(crate) fn until(what: &str, bound: Duration, mut holds: impl FnMut() -> Result<bool, Error>) -> Result<(), Error> {
    let begun = Instant::now();
    while !holds()? {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if begun.elapsed() > bound {
            return Err(Error::Late { what: what.to_owned(), bound });
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// From now on Ctrl-C and SIGTERM end the next wait with an error, so that every collector and emitter is stopped by
/// whoever holds it.
pub(crate) fn stop_at_signals() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(Error::io("a runtime for signals"))?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).map_err(Error::io("listening for signals"));
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        });
        INTERRUPTED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

const LOOK_AGAIN: Duration = Duration::from_millis(20);
