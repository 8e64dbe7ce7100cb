//! Texts that are kept, of strings that arrive in pieces.

use std::hash::Hasher as _;

use crate::capture::mcp::message::{Id, IdKind, MAX_ID};
use crate::capture::mcp::scan::process_hasher::ProcessHasher;
use crate::capture::mcp::scan::tokens::{REPLACEMENT, StringSink};

/// The beginning of a text, up to its limit and never cut inside a character.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextPrefix {
    text: String,
    /// Something was left out, so nothing may follow.
    is_cut: bool,
}

impl TextPrefix {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.is_cut = false;
    }

    pub(crate) fn push(&mut self, piece: &str, limit: usize) {
        if self.is_cut {
            return;
        }
        let room = limit.saturating_sub(self.text.len());
        let fitting = crate::record::cut(piece, room);
        self.text.push_str(fitting);
        self.is_cut = fitting.len() < piece.len();
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Restores an earlier length and whether it was cut.
    pub(crate) fn back_to(&mut self, (length, is_cut): (usize, bool)) {
        self.text.truncate(length);
        self.is_cut = is_cut;
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.text.capacity()
    }
}

/// A string that is an id. The part that is not kept is hashed.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdText {
    beginning: TextPrefix,
    rest: Option<ProcessHasher>,
}

impl IdText {
    pub(crate) fn clear(&mut self) {
        self.beginning.clear();
        self.rest = None;
    }

    pub(crate) fn id(&self) -> Id {
        let rest = self.rest.as_ref().map_or(0, ProcessHasher::finish_some);
        Id { kind: IdKind::String, text: self.beginning.text().into(), rest }
    }

    /// The hash covers the whole string, at whatever point it turns out to be needed.
    fn hash(&mut self) -> &mut ProcessHasher {
        let so_far = self.beginning.text();
        self.rest.get_or_insert_with(|| {
            let mut hasher = ProcessHasher::default();
            hasher.write(so_far.as_bytes());
            hasher
        })
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.beginning.held()
    }
}

#[cfg(feature = "rmcp")]
impl Id {
    /// The id of a string.
    pub(crate) fn of_string(text: &str) -> Self {
        let mut id = IdText::default();
        id.text(text);
        id.id()
    }
}

impl StringSink for IdText {
    fn text(&mut self, piece: &str) {
        if self.rest.is_some() || self.beginning.text().len() + piece.len() > MAX_ID {
            self.hash().write(piece.as_bytes());
        }
        self.beginning.push(piece, MAX_ID);
    }

    /// The replacement character does not say which half it replaces, so without the hash many ids would become one.
    fn lone_surrogate(&mut self, unit: u16) {
        let [high, low] = unit.to_be_bytes();
        self.hash().write(&[NO_UTF8, high, low]);
        self.beginning.push(REPLACEMENT, MAX_ID);
    }
}

/// A byte that does not occur in UTF-8.
const NO_UTF8: u8 = 0xff;
