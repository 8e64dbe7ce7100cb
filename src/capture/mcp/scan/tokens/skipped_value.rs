//! What is nested deeper than is read. It is passed over by its quotes and brackets alone, so that what stands behind it is
//! read: a server that has no such bound runs it.

use memchr::memchr2;

/// A reader of one array or object, behind its first bracket, in any number of pieces.
#[derive(Debug, Clone)]
pub(crate) struct SkippedValue {
    /// How many brackets are open.
    depth: u64,
    at: SkipState,
}

#[derive(Debug, Clone, Copy)]
enum SkipState {
    Outside,
    InString,
    /// Behind a backslash.
    Escape,
}

impl SkippedValue {
    /// Reads on, and tells whether the value has ended, and what is left.
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
