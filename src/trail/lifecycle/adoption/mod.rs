//! Adopts the streams of dead processes: drains them under their own identity, answers their open calls, and writes their end.

mod adopter;
mod ends;
mod event;
mod lanes;

pub(in crate::trail) use self::adopter::Adoption;
pub(in crate::trail) use self::event::AdoptionEvent;
pub use self::event::DrainedStream;
pub(in crate::trail) use self::lanes::Lanes;
