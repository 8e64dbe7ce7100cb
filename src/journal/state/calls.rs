//! The calls that are open now, and where their request frames are.

use crate::journal::numbers::CallNumber;

/// Where the request frame of an open call stands in the active segment.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Extent {
    pub(in crate::journal) offset: u64,
    pub(in crate::journal) size: u64,
}

/// An open call on its way into the next segment.
#[derive(Debug)]
pub(in crate::journal) struct Carried {
    pub(in crate::journal) call: CallNumber,
    /// Empty if it cannot be read here. The header counts it all the same, so that an adopter looks for it in earlier segments.
    pub(in crate::journal) payload: Vec<u8>,
}

/// A table whose entries are found by number: no search, and no allocation once it has grown.
#[derive(Debug, Default)]
pub(in crate::journal) struct OpenCalls {
    entries: Vec<Slot>,
    free: Vec<u32>,
    /// Calls of a stream that was adopted whose entry is another's: the answer that had freed it was lost with the power.
    crowded: Vec<(CallNumber, Extent)>,
    bytes: u64,
}

#[derive(Debug)]
struct Slot {
    /// Counts the uses of the entry, so that a number is never used again in a stream.
    generation: u32,
    place: Option<Extent>,
}

impl OpenCalls {
    /// The number that the next call would get; `open` gives it to it.
    pub(in crate::journal) fn next(&self) -> CallNumber {
        let index = self.free.last().copied().unwrap_or(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        let generation = self.entries.get(index as usize).map_or(0, |entry| entry.generation);
        CallNumber((u64::from(generation) << 32) | (u64::from(index) + 1))
    }

    pub(in crate::journal) fn open(&mut self, place: Extent) -> CallNumber {
        let number = self.next();
        match self.free.pop().and_then(|index| self.entries.get_mut(index as usize)) {
            Some(entry) => entry.place = Some(place),
            None => self.entries.push(Slot { generation: 0, place: Some(place) }),
        }
        self.bytes += place.size;
        number
    }

    /// Does nothing for a call that is not open.
    pub(in crate::journal) fn close(&mut self, number: CallNumber) {
        if let Some(at) = self.crowded.iter().position(|(crowded, _)| *crowded == number) {
            self.bytes -= self.crowded.swap_remove(at).1.size;
            return;
        }
        let Some(index) = index(number) else { return };
        let Some(entry) = self.entries.get_mut(index as usize).filter(|entry| is(entry, number)) else { return };
        if let Some(place) = entry.place.take() {
            self.bytes -= place.size;
            // An entry whose numbers are used up is left alone.
            if let Some(generation) = entry.generation.checked_add(1) {
                entry.generation = generation;
                self.free.push(index);
            }
        }
    }

    /// Notes that the request frame of a call stands elsewhere now.
    pub(in crate::journal) fn moved(&mut self, number: CallNumber, to: Extent) {
        let crowded = self.crowded.iter_mut().filter(|(crowded, _)| *crowded == number);
        crowded.for_each(|(_, place)| *place = to);
        let entry = index(number).and_then(|index| self.entries.get_mut(index as usize));
        if let Some(place) = entry.filter(|entry| is(entry, number)).and_then(|entry| entry.place.as_mut()) {
            *place = to;
        }
    }

    pub(in crate::journal) fn iter(&self) -> impl Iterator<Item = (CallNumber, Extent)> {
        let entries = (1_u64..)
            .zip(&self.entries)
            .filter_map(|(index, entry)| Some((CallNumber((u64::from(entry.generation) << 32) | index), entry.place?)));
        entries.chain(self.crowded.iter().copied())
    }

    /// How many frames of that many bytes would have to be carried.
    pub(in crate::journal) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn index(number: CallNumber) -> Option<u32> {
    u32::try_from((number.0 & u64::from(u32::MAX)).checked_sub(1)?).ok()
}

fn is(entry: &Slot, number: CallNumber) -> bool {
    u64::from(entry.generation) == number.0 >> 32
}

/// For streams of processes that died.
impl OpenCalls {
    /// Puts back a call that was found open.
    pub(in crate::journal) fn restore(&mut self, number: CallNumber, place: Extent) {
        let Some(index) = index(number).map(|index| index as usize) else { return };
        while self.entries.len() <= index {
            self.entries.push(Slot { generation: 0, place: None });
        }
        if let Some(entry) = self.entries.get_mut(index) {
            self.bytes += place.size;
            if entry.place.is_some() {
                self.crowded.push((number, place));
                return;
            }
            entry.generation = u32::try_from(number.0 >> 32).unwrap_or(u32::MAX);
            entry.place = Some(place);
        }
    }
}
