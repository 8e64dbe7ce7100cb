//! The file of a cursor, while the stream is open.

use std::io;
use std::sync::Arc;

use super::cursor::Cursor;
use crate::journal::disk::File;
use crate::journal::planted::planted;
use crate::record::StreamId;

/// The file of a sink's cursor.
#[derive(Debug)]
pub(in crate::journal) struct CursorFile {
    file: Arc<dyn File>,
    /// The cursor in the file, or an earlier one.
    pub(in crate::journal) says: Cursor,
    /// Whether this process has written it and no sync has failed since. Otherwise a successful sync proves nothing.
    is_written: bool,
    /// Whether the file would say the same after a power loss.
    is_durable: bool,
}

impl CursorFile {
    /// Everything after that cursor is still to be settled, whatever the file says.
    pub(in crate::journal) fn at(file: Arc<dyn File>, says: Cursor) -> Self {
        Self { file, says, is_written: false, is_durable: false }
    }

    pub(in crate::journal) fn write(&mut self, cursor: Cursor, stream: StreamId) -> io::Result<()> {
        (self.is_written, self.is_durable) = (false, false);
        cursor.write(&*self.file, stream)?;
        (self.says, self.is_written) = (cursor, true);
        Ok(())
    }

    pub(in crate::journal) fn sync(&mut self, stream: StreamId) -> io::Result<()> {
        if self.is_durable {
            return Ok(());
        }
        if !self.is_written && !planted("trust-a-second-sync") {
            self.write(self.says, stream)?;
        }
        self.is_written = false;
        self.file.sync()?;
        (self.is_written, self.is_durable) = (true, true);
        Ok(())
    }
}
