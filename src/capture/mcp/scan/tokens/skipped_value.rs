//! Values that are nested too deeply. They are skipped by their quotes and brackets alone, so that what follows them
//! is read: a server without such a limit runs it.

use memchr::memchr2;

/// A reader of one array or object, after its first bracket, in any number of pieces.
#[derive(Debug, Clone)]
pub(crate) struct SkippedValue {
    /// The number of open brackets.
    depth: u64,
    at: SkipState,
}

#[derive(Debug, Clone, Copy)]
enum SkipState {
    Outside,
    InString,
    /// After a backslash.
    Escape,
}

impl SkippedValue {
    /// Reads on; returns whether the value has ended, and the rest.
    pub(crate) fn read<'a>(&mut self, mut bytes: &'a [u8]) -> (bool, &'a [u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = rest;
            self.at = match (self.at, byte) {
                (SkipState::Outside, b'"') | (SkipState::Escape, _) => SkipState::InString,
                (SkipState::Outside, b'{' | b'[') => {
                    self.depth += 1;
                    SkipState::Outside
                }
                (SkipState::Outside, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (true, bytes);
                    }
                    SkipState::Outside
                }
                (SkipState::InString, b'"') => SkipState::Outside,
                (SkipState::InString, b'\\') => SkipState::Escape,
                (SkipState::InString, _) => {
                    let end = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
                    bytes = bytes.get(end..).unwrap_or_default();
                    SkipState::InString
                }
                (SkipState::Outside, _) => SkipState::Outside,
            };
        }
        (false, bytes)
    }
}

impl Default for SkippedValue {
    fn default() -> Self {
        Self { depth: 1, at: SkipState::Outside }
    }
}
