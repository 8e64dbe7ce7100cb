//! What an audit keeps of a message: the facts that most readers find in it, and what other readers find in their place.

mod again;
mod collect;
mod decimal;
mod found;
mod location;
mod rule;
mod text;
mod tools;
mod view;

pub(super) use self::collect::{Facts, TakenMessages};
pub(super) use self::view::Literal;
