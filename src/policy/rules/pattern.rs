//! Exact names, and beginnings of names.

/// A name, or the beginning of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Pattern {
    /// That name.
    Exact(String),
    /// All names that begin so. An empty beginning is that of any name.
    Prefix(String),
}

impl Pattern {
    /// Reads a pattern; `None` if it has a star that is not at its end: that would look like one that works.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, is_prefix) = match text.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (text, false),
        };
        let name = Some(name).filter(|name| !name.contains('*'))?.to_owned();
        Some(if is_prefix { Self::Prefix(name) } else { Self::Exact(name) })
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(beginning) => name.starts_with(beginning.as_str()),
        }
    }

    /// The name, or the beginning.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Exact(name) | Self::Prefix(name) => name,
        }
    }

    /// As it is written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Exact(exact) => exact.clone(),
            Self::Prefix(beginning) => format!("{beginning}*"),
        }
    }
}
