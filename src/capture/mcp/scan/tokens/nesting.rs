//! The arrays and objects around a position, one bit each.

use crate::capture::mcp::message::MAX_DEPTH;

#[derive(Debug, Clone, Default)]
pub(crate) struct Nesting {
    /// Set for objects.
    bits: [u64; MAX_DEPTH.div_ceil(64)],
    depth: usize,
    /// How many arrays are around the value that is read.
    base: usize,
    /// The bit of the innermost one.
    is_object: bool,
}

impl Nesting {
    /// Starts inside that many arrays, which the value does not close.
    pub(crate) fn new(base: usize) -> Self {
        Self { depth: base, base, ..Self::default() }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.is_object
    }

    pub(crate) fn is_outermost(&self) -> bool {
        self.depth == self.base
    }

    /// Whether the limit of nesting is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.depth == MAX_DEPTH
    }

    pub(crate) fn open(&mut self, is_object: bool) {
        let (word, bit) = place(self.depth);
        if let Some(word) = self.bits.get_mut(word) {
            *word = if is_object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
        self.is_object = is_object;
    }

    pub(crate) fn close(&mut self) {
        self.depth -= 1;
        let (word, bit) = place(self.depth.saturating_sub(1));
        self.is_object = self.bits.get(word).is_some_and(|word| word & bit != 0);
    }
}

fn place(level: usize) -> (usize, u64) {
    (level / 64, 1 << (level % 64))
}
