//! Streams of processes that died: they are drained under their own identity, their open calls are answered, and their end is
//! written.

mod adopter;
mod ends;
mod event;

pub(in crate::trail) use self::adopter::Adoption;
pub(in crate::trail) use self::event::AdoptionEvent;
pub use self::event::DrainedStream;
