//! What calls act on: a list of rules from tools, prompts, resources and routes to targets and required actions.

mod error;
mod map;
mod pattern;
mod rule;
#[cfg(test)]
mod tests;

pub use self::error::TargetError;
pub use self::map::TargetMap;
pub(crate) use self::map::{MappedTarget, TargetSubject};
pub use self::rule::TargetRule;
