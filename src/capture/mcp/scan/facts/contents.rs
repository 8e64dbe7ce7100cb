//! Arguments and results, where digests of them are wanted. One of them at a time is being read.

use super::location::Location;
use crate::capture::mcp::message::{PartCounts, ScanOptions};
use crate::capture::mcp::raw_content::{ContentReader, RawContent};
use crate::trail::ContentPart;

/// What was found of the content of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    arguments: Option<RawContent>,
    result: Option<RawContent>,
    counts: PartCounts,
    open: Option<OpenContent>,
}

#[derive(Debug, Clone)]
struct OpenContent {
    part: ContentPart,
    reader: ContentReader,
    /// How many arrays and objects without anything to keep are open in it, itself included.
    depth: usize,
}

impl Contents {
    /// A value begins with that byte, at that depth. Returns whether it is read.
    pub(crate) fn begin(&mut self, options: &ScanOptions, part: ContentPart, first: u8, depth: usize) -> bool {
        let Some(keys) = options.contents.as_ref().filter(|keys| keys.is_wanted()) else { return false };
        let mut reader = ContentReader::new(keys.key(part).clone());
        reader.push(&[first]);
        self.open = Some(OpenContent { part, reader, depth });
        true
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the array or object that closes is the value.
    pub(crate) fn ends_at(&self, depth: usize) -> bool {
        self.open.as_ref().is_some_and(|open| open.depth == depth)
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open {
            open.reader.push(bytes);
        }
    }

    pub(crate) fn end(&mut self) {
        let Some(OpenContent { part, reader, .. }) = self.open.take() else { return };
        let place = match part {
            ContentPart::Arguments => &mut self.arguments,
            ContentPart::Result => &mut self.result,
        };
        *place = Some(reader.end());
    }

    /// Discards what an earlier key had.
    pub(crate) fn forget(&mut self, part: ContentPart) {
        match part {
            ContentPart::Arguments => self.arguments = None,
            ContentPart::Result => (self.result, self.counts) = (None, PartCounts::default()),
        }
    }

    /// The number of elements of that list, if they are counted.
    pub(crate) fn count(&mut self, place: Location) -> Option<&mut u64> {
        match place {
            _ if self.open.is_none() => None,
            Location::Content => Some(&mut self.counts.content),
            Location::Messages => Some(&mut self.counts.messages),
            Location::Contents => Some(&mut self.counts.contents),
            _ => None,
        }
    }

    /// Arguments, and a result with its counts.
    pub(crate) fn take(&mut self) -> (Option<RawContent>, Option<(RawContent, PartCounts)>) {
        let Self { arguments, result, counts, .. } = std::mem::take(self);
        (arguments, result.map(|result| (result, counts)))
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let kept = [&self.arguments, &self.result].into_iter().flatten().map(|content| match content {
            RawContent::Whole(bytes) => bytes.capacity(),
            RawContent::Long { .. } => 0,
        });
        kept.sum::<usize>() + self.open.as_ref().map_or(0, |open| open.reader.held())
    }
}
