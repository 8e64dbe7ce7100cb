//! Threads of the relay.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Runs `act` on a thread with that name, and reports when it is done.
pub(super) fn on_a_thread(name: &str, act: impl FnOnce() + Send + 'static) -> io::Result<oneshot::Receiver<()>> {
    let (done, is_done) = oneshot::channel();
    thread::Builder::new().name(name.into()).spawn(move || {
        act();
        drop(done);
    })?;
    Ok(is_done)
}
