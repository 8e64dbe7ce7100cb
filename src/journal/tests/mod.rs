//! What bytes mean, and what they do not.

mod codec;
mod disk;
mod golden;
