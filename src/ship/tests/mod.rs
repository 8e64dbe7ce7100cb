//! The shipper from inside, on a paused clock: no test waits, and delays are exact.

mod away;
mod frame;
mod order;
mod patience;
mod refused;
mod rig;
