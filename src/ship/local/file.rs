//! The sink that is a file.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::json::json_lines;
use super::open_file::{Locking, OpenFile, Syncs, System};
use super::rotation::rotate;
use crate::config::{FileSettings, Notices};
use crate::locks::Mutex;
use crate::ship::connector::{Accepted, ExportError, ExportFuture, Sink};

/// A file of OTLP JSON lines. Batches of several streams are written one after the other.
#[derive(Debug, Clone)]
pub(super) struct FileSink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: FileSettings,
    notices: Notices,
    disk: Box<dyn Syncs>,
    /// Held while a batch is written: the file whose name this process has made durable. Another that began the file may have
    /// been killed before it did.
    named: Mutex<Option<(u64, u64)>>,
    /// Somebody was told that old files are removed.
    warned_removal: AtomicBool,
}

impl FileSink {
    /// Creates the file, or finds out whether records can be appended to the one that is there.
    pub(super) fn open(settings: FileSettings, notices: Notices) -> io::Result<Self> {
        Self::open_on(Box::new(System), settings, notices)
    }

    pub(super) fn open_on(disk: Box<dyn Syncs>, settings: FileSettings, notices: Notices) -> io::Result<Self> {
        OpenFile::open(&settings.path)?.check_content()?;
        let warned_removal = AtomicBool::new(false);
        Ok(Self(Arc::new(Shared { settings, notices, disk, named: Mutex::default(), warned_removal })))
    }
}

impl Sink for FileSink {
    /// On a thread that may block: the disk may stand still, and the shipper's thread has other streams.
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let shared = self.0.clone();
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || shared.take(&request)).await;
            written.unwrap_or_else(|_| Err(ExportError::Retry { reason: "its thread ended".into(), after: None }))
        })
    }
}

impl Shared {
    fn take(&self, request: &[u8]) -> Result<Accepted, ExportError> {
        let lines = json_lines(request).map_err(|error| ExportError::Rejected { reason: error.to_string() })?;
        let mut named = self.named.lock();
        let retry = |error: io::Error| ExportError::Retry { reason: error.to_string(), after: None };
        self.append(&lines, &mut named).map_err(retry).map(|()| Accepted::default())
    }

    fn append(&self, lines: &[u8], named: &mut Option<(u64, u64)>) -> io::Result<()> {
        let FileSettings { path, max_bytes, keep } = &self.settings;
        for _ in 0..ATTEMPTS {
            let file = OpenFile::open(path)?;
            let file = match file.lock()? {
                Locking::Locked(file) => file,
                Locking::Moved => continue,
                Locking::Taken => return Err(io::Error::other(TAKEN)),
            };
            let length = file.mend()?;
            if length == 0 || length.saturating_add(lines.len() as u64) <= *max_bytes {
                let own = Some(file.identity()?);
                // An empty file may have the number of one that is gone.
                let is_new = length == 0 || *named != own;
                file.append(length, lines, is_new, &*self.disk)?;
                *named = own;
                return Ok(());
            }
            if rotate(path, *keep, &*self.disk)? {
                self.tell_removal(path, *keep);
            }
        }
        Err(io::Error::new(ErrorKind::ResourceBusy, "others replace the file all the time"))
    }

    /// Once: what it says stays true.
    fn tell_removal(&self, path: &Path, keep: u32) {
        if !self.warned_removal.swap(true, Ordering::Relaxed) {
            self.notices.warn(format!(
                "the oldest file of audit records beside {} is removed, as {keep} are kept; collect them in time, or raise \
                 AUDITRAIL_FILE_KEEP",
                path.display()
            ));
        }
    }
}

/// How often a file that others replace is opened again.
const ATTEMPTS: u32 = 16;
const TAKEN: &str = "another process holds its lock";
