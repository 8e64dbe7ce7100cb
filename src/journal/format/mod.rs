//! The bytes of a journal on the disk, and how they are read back. `docs/format.md` has every byte.

mod cursor;
mod cursor_file;
pub(super) mod frame;
pub(super) mod header;
mod mark;
mod paths;
mod position;
mod scan;
mod sink_name;

pub(super) use self::cursor::Cursor;
pub(super) use self::cursor_file::CursorFile;
pub(super) use self::frame::{ALIGNMENT, FrameHeader, LONGEST, ReadHeader, Salt, put, u32_at, u64_at};
pub use self::frame::{HEADER, Kind};
pub(super) use self::header::{LONGEST_HEADER, SegmentHeader};
pub(super) use self::mark::Mark;
pub(super) use self::paths::{JournalPaths, MARK, OWNER, StreamPaths, is_new, segment_number, sink_of_cursor};
pub(super) use self::position::Position;
pub(super) use self::scan::{CHUNK, Item, Scan, is_zero};
pub use self::sink_name::SinkName;
