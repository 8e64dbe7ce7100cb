//! What is nested deeper than is read. It is passed over by its quotes and brackets alone, so that what stands behind it is
//! read: a server that has no such bound runs it.

use memchr::memchr2;

/// A reader of one array or object, behind its first bracket, in any number of pieces.
#[derive(Debug, Clone)]
pub(crate) struct Deep {
    /// How many brackets are open.
    depth: u64,
    at: At,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Outside,
    InString,
    /// Behind a backslash.
    Escape,
}

impl Deep {
    /// Reads on, and tells whether the value has ended, and what is left.
    pub(crate) fn read<'a>(&mut self, mut bytes: &'a [u8]) -> (bool, &'a [u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = rest;
            self.at = match (self.at, byte) {
                (At::Outside, b'"') | (At::Escape, _) => At::InString,
                (At::Outside, b'{' | b'[') => {
                    self.depth += 1;
                    At::Outside
                }
                (At::Outside, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (true, bytes);
                    }
                    At::Outside
                }
                (At::InString, b'"') => At::Outside,
                (At::InString, b'\\') => At::Escape,
                (At::InString, _) => {
                    let end = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
                    bytes = bytes.get(end..).unwrap_or_default();
                    At::InString
                }
                (At::Outside, _) => At::Outside,
            };
        }
        (false, bytes)
    }
}

impl Default for Deep {
    fn default() -> Self {
        Self { depth: 1, at: At::Outside }
    }
}
