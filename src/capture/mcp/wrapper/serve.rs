//! A whole stdio server in one line, ended as MCP clients end it.

use std::fmt;
use std::future::Future;

use rmcp::service::ServerInitializeError;
use rmcp::{ServerHandler, ServiceExt as _};

use super::stdin::Stdin;
use super::stdout::{PendingOutput, Stdout};
use crate::Trail;

/// A stdio server that did not serve. Its `Debug` says what its `Display` says, as it is what `main` prints of an error that it
/// returns.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServeStdioError {
    /// The MCP session did not begin. What the client sent is not repeated.
    #[error("the MCP session did not begin: {0}; standard input must carry MCP messages, one a line")]
    Initialize(&'static str),
    /// The service's task ended abnormally.
    #[error("the MCP service ended abnormally: {0}")]
    Service(#[from] tokio::task::JoinError),
    /// Signals cannot be listened to, or standard input cannot be read.
    #[error("signals or standard input cannot be set up: {0}; the process may be at its limit of threads or files")]
    Setup(#[from] std::io::Error),
}

impl fmt::Debug for ServeStdioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Trail {
    /// Serves an rmcp server on standard input and output, audited, until the client closes standard input or the
    /// process is told to end (SIGTERM, SIGINT); then ships what is left, within the flush time-out.
    ///
    /// # Errors
    /// [`ServeStdioError`]. A flush that does not finish is a notice, not an error.
    pub async fn serve_stdio<H: ServerHandler>(&self, handler: H) -> Result<(), ServeStdioError> {
        let told_to_end = shutdown_signal()?;
        tokio::pin!(told_to_end);
        let mut written = None;
        let tap = self.tap_made(Stdin::open()?, |reader, order| {
            let (stdout, unwritten) = Stdout::open(reader, order.clone())?;
            written = Some(unwritten);
            Ok::<_, std::io::Error>((stdout, None))
        })?;
        let serve = self.audited(handler).behind(&tap).serve(tap.into_streams());
        let result = tokio::select! {
            running = serve => {
                let running = running.map_err(|error| ServeStdioError::Initialize(why(&error)))?;
                let ending = running.cancellation_token();
                tokio::select! {
                    quit = running.waiting() => quit.map(drop),
                    () = &mut told_to_end => {
                        ending.cancel();
                        Ok(())
                    }
                }
            }
            () = &mut told_to_end => Ok(()),
        };
        let core = self.core().clone();
        // Calls that are still open write their end when their tasks are dropped; this waits on a thread of its own so
        // that they can.
        let close = move || {
            // Nothing else keeps the process until the last answer is out.
            written.iter().for_each(PendingOutput::wait);
            core.close();
        };
        drop(tokio::task::spawn_blocking(close).await);
        Ok(result?)
    }
}

/// The kind of the failure, without the message or the error text in it.
fn why(error: &ServerInitializeError) -> &'static str {
    match error {
        ServerInitializeError::ExpectedInitializeRequest(_) => "the first message is no request that opens a session",
        ServerInitializeError::ConnectionClosed(_) => "standard input was closed before it",
        ServerInitializeError::InitializeFailed(_) => "the server refused to initialize",
        ServerInitializeError::Cancelled => "it was cancelled",
        _ => "the handshake failed",
    }
}

/// Completes when the process is told to end: SIGTERM or SIGINT, where there are signals, else Ctrl-C.
///
/// # Errors
/// If signals cannot be listened to. Must be called inside a tokio runtime.
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        drop(tokio::signal::ctrl_c().await);
    })
}
