//! The names that rules name: no other name of a member is ever told in a path, since it could be a secret.

use std::collections::HashMap;

/// The number of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NameId(usize);

/// The names, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    ids: HashMap<Box<[u8]>, NameId>,
    shapes: Shapes,
    texts: Vec<Box<str>>,
}

/// Which lengths and first letters words have: nearly every other word is told apart by them, without a hash.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shapes {
    lengths: u64,
    first: [u64; 4],
}

impl Shapes {
    pub(super) fn add(&mut self, word: &[u8]) {
        let (length, first) = shape(word);
        self.lengths |= 1 << length;
        if let Some(bits) = self.first.get_mut(usize::from(first >> 6)) {
            *bits |= 1 << (first & 63);
        }
    }

    /// Whether one of the words can be that one, in upper or lower case.
    #[inline]
    pub(super) fn may_have(&self, word: &[u8]) -> bool {
        let (length, first) = shape(word);
        let bits = self.first.get(usize::from(first >> 6)).copied().unwrap_or_default();
        self.lengths & 1 << length != 0 && bits & 1 << (first & 63) != 0
    }
}

/// The length, and the first byte in lower case.
#[inline]
fn shape(word: &[u8]) -> (usize, u8) {
    (word.len().min(63), word.first().copied().unwrap_or_default().to_ascii_lowercase())
}

impl Names {
    pub(super) fn add(&mut self, name: &str) -> NameId {
        let Self { ids, shapes, texts } = self;
        shapes.add(name.as_bytes());
        *ids.entry(name.as_bytes().into()).or_insert_with(|| {
            texts.push(name.into());
            NameId(texts.len() - 1)
        })
    }

    #[inline]
    pub(super) fn id(&self, name: &[u8]) -> Option<NameId> {
        if self.shapes.may_have(name) { self.ids.get(name).copied() } else { None }
    }

    pub(super) fn text(&self, id: NameId) -> &str {
        self.texts.get(id.0).map_or("*", |text| text)
    }
}
