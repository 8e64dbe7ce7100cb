//! The sink that is standard error. Standard output is none: over stdio it belongs to MCP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::io::Errno;

use super::json::json_lines;
use crate::locks::Mutex;
use crate::ship::connector::{Accepted, ExportError, ExportFuture, Sink};

/// Standard error of the process.
#[derive(Debug, Clone, Default)]
pub(super) struct StderrSink(Arc<Mutex<Torn>>);

/// Whether the beginning of a line stands there that could not be ended.
#[derive(Debug, Default)]
struct Torn(bool);

impl Sink for StderrSink {
    /// On a thread that may block, as long as nobody reads.
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let torn = self.0.clone();
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || take(&torn, &request)).await;
            written.unwrap_or_else(|_| Err(ExportError::Retry { reason: "its thread ended".into(), after: None }))
        })
    }
}

fn take(torn: &Mutex<Torn>, request: &[u8]) -> Result<Accepted, ExportError> {
    let lines = json_lines(request).map_err(|error| ExportError::Rejected { reason: error.to_string() })?;
    let mut torn = torn.lock();
    let retry = |error: io::Error| ExportError::Retry { reason: error.to_string(), after: None };
    if torn.0 {
        write(b"\n").map_err(retry)?;
        torn.0 = false;
    }
    // Line by line: the system does not tear what fits into a pipe's buffer (POSIX, PIPE_BUF), whoever else writes there.
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if let Err(error) = write(line) {
            torn.0 = true;
            return Err(retry(error));
        }
    }
    Ok(Accepted::default())
}

/// Not by std, for which a closed standard error takes everything.
fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(io::stderr(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Somebody who shares it has set it so.
            Err(Errno::AGAIN) => std::thread::sleep(BETWEEN),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

const BETWEEN: Duration = Duration::from_millis(10);
