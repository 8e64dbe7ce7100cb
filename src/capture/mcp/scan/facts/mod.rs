//! The facts that are kept of a message: those that most readers find in it, and those that other readers find
//! instead.

mod collect;
mod contents;
mod decimal;
mod found_facts;
mod key_rule;
mod location;
mod reader_view;
mod repeated_keys;
mod text;
mod tools;

pub(super) use self::collect::{CompleteMessages, FactCollector};
pub(super) use self::reader_view::Literal;
