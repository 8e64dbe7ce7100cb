//! What an audit keeps of a message: the facts that most readers find in it, and what other readers find in their place.

mod collect;
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
