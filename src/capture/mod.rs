//! Everything that captures calls and moments. Each route uses the same two calls on the trail: begin and finish.

pub mod direct;
#[cfg(feature = "layer")]
pub mod layer;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod propagation;
#[cfg(feature = "layer")]
pub mod telemetry;
