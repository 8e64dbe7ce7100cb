//! Reading ahead and settling, for each sink.

mod ahead;
mod handles;
mod reader;
mod settle;
mod settled;

pub use self::handles::SinkHandles;
pub use self::reader::{Batch, BatchLimits, Reader};
pub use self::settle::Settler;
