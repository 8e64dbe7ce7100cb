//! The names that rules name: no other name of a member is ever told in a path, since it could be a secret.

use std::collections::HashMap;

/// The number of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NameId(usize);

/// The names, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    ids: HashMap<Box<[u8]>, NameId>,
    texts: Vec<Box<str>>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str) -> NameId {
        let Self { ids, texts } = self;
        *ids.entry(name.as_bytes().into()).or_insert_with(|| {
            texts.push(name.into());
            NameId(texts.len() - 1)
        })
    }

    #[inline]
    pub(super) fn id(&self, name: &[u8]) -> Option<NameId> {
        if self.ids.is_empty() { None } else { self.ids.get(name).copied() }
    }

    pub(super) fn text(&self, id: NameId) -> &str {
        self.texts.get(id.0).map_or("*", |text| text)
    }
}
