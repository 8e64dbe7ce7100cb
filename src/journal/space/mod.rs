//! How much room a journal has, and what takes it.

mod fits;
mod freed;
mod others;
mod pressure;
mod usage;

pub(super) use self::fits::{ALARM_RESERVE, fits};
pub use self::pressure::Pressure;
pub use self::usage::Usage;
