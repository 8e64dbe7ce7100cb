//! The file of a cursor, while the stream is open.

use std::io;
use std::sync::Arc;

use super::cursor::Cursor;
use super::position::Position;
use crate::journal::disk::File;
use crate::record::StreamId;

/// The file of a sink's cursor.
#[derive(Debug)]
pub(in crate::journal) struct CursorFile {
    file: Arc<dyn File>,
    /// The position in the file, or an earlier one.
    pub(in crate::journal) says: Position,
    /// Whether the file would say the same after a power loss.
    is_durable: bool,
}

impl CursorFile {
    /// Everything after that position is still to be settled, whatever the file says.
    pub(in crate::journal) fn at(file: Arc<dyn File>, says: Position) -> Self {
        Self { file, says, is_durable: false }
    }

    pub(in crate::journal) fn write(&mut self, cursor: Cursor, stream: StreamId) -> io::Result<()> {
        self.is_durable = false;
        cursor.write(&*self.file, stream)?;
        self.says = cursor.position();
        Ok(())
    }

    pub(in crate::journal) fn sync(&mut self) -> io::Result<()> {
        if !self.is_durable {
            self.file.sync()?;
            self.is_durable = true;
        }
        Ok(())
    }
}
