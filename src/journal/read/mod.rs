//! Reads ahead and settles, for each sink.

mod ahead;
mod handles;
mod reader;
mod settle;
mod settled;

pub use self::handles::SinkHandles;
pub use self::reader::{Batch, BatchLimits, Reader};
pub use self::settle::Settler;
