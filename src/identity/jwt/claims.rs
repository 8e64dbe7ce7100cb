//! Looks into the claims of a token. Every look is bounded by what a token can hold, and lists by [`MOST_ENTRIES`].

use serde_json::{Map, Value};

/// The claims of a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    /// A claim by its name. Names may have dots in them (`https://example.com/roles`); only if there is no such claim, dots lead
    /// into objects (`realm_access.roles`).
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let mut names = name.split('.');
        let mut value = self.0.get(names.next()?)?;
        for name in names {
            value = value.as_object()?.get(name)?;
        }
        Some(value)
    }

    /// A text that is not empty.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The first of these claims that is a text.
    pub(super) fn first<S: AsRef<str>>(self, names: &[S]) -> Option<String> {
        names.iter().find_map(|name| self.text(name.as_ref())).map(ToOwned::to_owned)
    }

    /// The entries of a claim that is a list of texts or one text.
    pub(super) fn list(self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
            Some(Value::Array(values)) => {
                values.iter().filter_map(Value::as_str).take(MOST_ENTRIES).map(ToOwned::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The entries of a claim with words that spaces separate (`scope`), or of a list.
    pub(super) fn words(self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::String(text)) => {
                text.split_ascii_whitespace().take(MOST_ENTRIES).map(ToOwned::to_owned).collect()
            }
            _ => self.list(name),
        }
    }

    /// A time in seconds since 1970, which may have a fraction (RFC 7519, section 2). `Err` if there is something else.
    pub(super) fn time(self, name: &str) -> Result<Option<f64>, NotATime> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().filter(|time| time.is_finite()).map(Some).ok_or(NotATime),
        }
    }
}

/// A claim that should be a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotATime;

/// More roles or scopes than anybody reads on a record.
pub(super) const MOST_ENTRIES: usize = 64;
