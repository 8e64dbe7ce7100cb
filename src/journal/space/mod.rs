//! How much room a journal has, and who takes it.

mod pressure;
mod usage;

pub use self::pressure::Pressure;
pub use self::usage::Usage;
