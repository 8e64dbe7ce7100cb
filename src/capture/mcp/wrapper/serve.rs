//! Serves a whole stdio server in one call, and ends it as MCP clients expect.

use std::fmt;
use std::future::Future;

use rmcp::service::ServerInitializeError;
use rmcp::{ServerHandler, ServiceExt as _};

use super::stdin::Stdin;
use super::stdout::{PendingOutput, Stdout};
use crate::Trail;

/// Why a stdio server could not serve. Its `Debug` output is its `Display` message, because `main` prints a returned
/// error with `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServeStdioError {
    /// The MCP session did not begin. The client's input is not repeated.
    #[error("the MCP session did not begin: {0}; standard input must carry MCP messages, one per line")]
    Initialize(&'static str),
    /// The service's task ended abnormally.
    #[error("the MCP service ended abnormally: {0}")]
    Service(#[from] tokio::task::JoinError),
    /// Signal handlers cannot be set up, or standard input cannot be read.
    #[error(
        "signal handlers or standard input cannot be set up: {0}; the process may have reached its limit of threads or files"
    )]
    Setup(#[from] std::io::Error),
}

impl fmt::Debug for ServeStdioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Trail {
    /// Serves an rmcp server on standard input and output, audited by tap and wrapper, until the client closes
    /// standard input or the process gets SIGTERM or SIGINT. Then it ships what is left, within the flush timeout
    /// (1.2 s by default).
    ///
    /// # Errors
    /// [`ServeStdioError`]. A flush that does not finish is reported by a notice, not by an error.
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
        // Calls that are still open write their end when their tasks are dropped; the flush waits on a separate
        // thread so that they can.
        let close = move || {
            // Nothing else keeps the process alive until the last answer is written.
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
        ServerInitializeError::ExpectedInitializeRequest(_) => {
            "the first message is not a request that opens a session"
        }
        ServerInitializeError::ConnectionClosed(_) => "standard input was closed before the first message",
        ServerInitializeError::InitializeFailed(_) => "the server refused to initialize",
        ServerInitializeError::Cancelled => "it was cancelled",
        _ => "the handshake failed",
    }
}

/// Completes when the process is told to end: by SIGTERM or SIGINT, or by Ctrl-C on systems without signals.
///
/// # Errors
/// If signal handlers cannot be set up. Must be called inside a tokio runtime.
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
