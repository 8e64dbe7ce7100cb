//! The tower layer, its service, and the body and future that they return.

mod body;
mod future;
mod layer;
mod service;

pub use self::body::TapBody;
pub use self::future::McpFuture;
pub(crate) use self::future::with_id;
pub use self::layer::McpLayer;
pub use self::service::McpService;
