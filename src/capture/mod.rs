//! Everything that makes an event. Each way in ends in the same two calls on the trail: begin and finish.

#[cfg(feature = "layer")]
pub mod layer;
#[cfg(feature = "mcp")]
pub mod mcp;
#[cfg(feature = "layer")]
pub mod telemetry;
