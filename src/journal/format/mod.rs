//! The bytes of a journal on disk, and how they are read back. `docs/format.md` describes every byte.
//!
//! A segment, such as `streams/ID/0000000007.seg` (`header.rs`, `frame.rs`):
//!
//! ```text
//!  0         128 + n      multiples of 32 ...                                              length of the file
//!  ┌─────────┬──────────┬──────────┬─────────┬──────────┬─────────┬──────────────────────────────────────┐
//!  │ header  │ carried  │ request  │ moment  │ response │ request │ 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0│
//!  │ next: 41│ call 12  │ 41       │ 42      │ 43       │ 44      │ space that is already allocated      │
//!  └─────────┴──────────┴────┬─────┴─────────┴──────────┴─────────┴──────────────────────────────────────┘
//!                            ▼
//!           ┌────────┬─────┬──────────┬──────┬──────┬─────┬────────────────────────┬─────────┐
//!           │ length │ crc │ sequence │ call │ kind │ crc │ payload: a LogRecord   │ 0 to 32 │
//!           └────────┴─────┴──────────┴──────┴──────┴─────┴────────────────────────┴─────────┘
//!             stored last: a frame without it is not there
//! ```

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
