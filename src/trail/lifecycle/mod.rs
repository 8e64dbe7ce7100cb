//! The life cycle of a trail: flush, shutdown, and the adoption of streams that dead processes left.

mod adoption;
mod flush;
mod shutdown;

pub use self::adoption::DrainedStream;
pub(in crate::trail) use self::adoption::{Adoption, AdoptionEvent, Lanes};
pub use self::flush::{FlushError, Flushed};
