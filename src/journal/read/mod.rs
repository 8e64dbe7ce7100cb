//! Reading ahead and settling, for each sink.

mod ahead;
mod reader;
mod settle;

pub use self::reader::{Batch, BatchLimits, Entry, Reader};
pub(super) use self::settle::SavedCursor;
pub use self::settle::Settler;
