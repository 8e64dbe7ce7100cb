//! The life of a trail beside its calls: flushes, its end, and what dead processes left.

mod adoption;
mod flush;
mod shutdown;

pub use self::adoption::DrainedStream;
pub(in crate::trail) use self::adoption::{Adoption, AdoptionEvent};
pub use self::flush::{FlushError, Flushed};
