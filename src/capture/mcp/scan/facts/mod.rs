//! The facts that are kept of a message: those that most readers find in it, and those that other readers find
//! instead.

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
