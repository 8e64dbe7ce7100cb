//! Mistakes in a file, with their places.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::policy::nearest::nearest;

/// Something in a file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {}{problem}", path.display(), quoted(key))]
#[non_exhaustive]
pub struct Mistake {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// The key in that line, without its value, which may be a secret in the wrong place; empty if it is not a known key.
    pub key: String,
    /// The problem, and what would be right.
    pub problem: String,
}

/// A file that is being read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    keys: &'a [&'a [&'a str]],
}

impl<'a> Source<'a> {
    /// The text of a file, and the keys that its lines may begin with.
    #[must_use]
    pub const fn new(path: &'a Path, text: &'a str, keys: &'a [&'a [&'a str]]) -> Self {
        Self { path, text, keys }
    }

    /// Reads it.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Mistake> {
        toml::from_str(self.text).map_err(|error| self.mistake(error.span(), error.message()))
    }

    /// The error for those bytes.
    #[must_use]
    pub fn mistake(&self, place: Option<Range<usize>>, problem: &str) -> Mistake {
        let start = place.map_or(0, |place| place.start).min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let line = self.line(start);
        Mistake {
            path: self.path.to_owned(),
            line,
            column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
            key: self.text.lines().nth(line - 1).map(|line| self.key(line)).unwrap_or_default().to_owned(),
            problem: told(problem).replace('\n', "; "),
        }
    }

    /// The line of that byte, from 1.
    #[must_use]
    pub fn line(&self, place: usize) -> usize {
        self.text.get(..place).unwrap_or_default().matches('\n').count() + 1
    }

    /// The known key at the beginning of a line. Other text there may be part of a value of several lines.
    fn key<'l>(&self, line: &'l str) -> &'l str {
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        if self.keys.iter().any(|keys| keys.contains(&key)) { key } else { "" }
    }
}

fn quoted(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("`{key}`: ") }
}

/// serde's text without the value, but with what may have been meant.
fn told(problem: &str) -> String {
    let kinds = |kind: &str| KINDS.into_iter().find(|known| kind.starts_with(known)).unwrap_or("value");
    for what in ["invalid type: ", "invalid value: "] {
        if let Some((value, expected)) = problem.strip_prefix(what).and_then(|rest| rest.rsplit_once(", expected ")) {
            return format!("{what}{}, expected {expected}", kinds(value));
        }
    }
    for (what, shows) in [("unknown variant `", false), ("unknown field `", true)] {
        if let Some((unknown, expected)) = problem.strip_prefix(what).and_then(|rest| rest.rsplit_once("`, expected "))
        {
            // Every other part stands between quotes.
            let known = expected.split('`').skip(1).step_by(2);
            let advice = nearest(unknown, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return match shows {
                true => format!("{problem}{advice}"),
                false => format!("unknown value, expected {expected}{advice}"),
            };
        }
    }
    problem.to_owned()
}

/// serde's names of them.
const KINDS: [&str; 8] =
    ["boolean", "integer", "floating point", "string", "byte array", "map", "sequence", "datetime"];
/// All keys of a policy that have a value.
pub const KEYS: &[&str] = &[
    "acknowledge",
    "action",
    "actor",
    "class",
    "deadline",
    "destructive",
    "detector",
    "direction",
    "halves",
    "idempotent",
    "in",
    "key",
    "level",
    "match",
    "method",
    "name",
    "open_world",
    "outcome",
    "path",
    "pattern",
    "prompt",
    "read_only",
    "requires_verified_actor",
    "resource",
    "sample",
    "tenant",
    "tool",
    "when_full",
];
