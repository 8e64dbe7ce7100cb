//! The open calls, and where their request frames are.

use crate::journal::numbers::CallNumber;

/// Where a request frame of an open call is in the active segment.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Extent {
    pub(in crate::journal) offset: u64,
    pub(in crate::journal) size: u64,
}

/// An open call that is copied to the next segment.
#[derive(Debug)]
pub(in crate::journal) struct Carried {
    pub(in crate::journal) call: CallNumber,
    /// Empty if the request cannot be read here. The segment header counts it nevertheless, so an adopter looks for it in
    /// earlier segments.
    pub(in crate::journal) payload: Vec<u8>,
}

/// A table that is indexed by call number: no search, and no allocation once it has grown.
#[derive(Debug, Default)]
pub(in crate::journal) struct OpenCalls {
    entries: Vec<Slot>,
    free: Vec<u32>,
    /// Calls of an adopted stream whose slot is taken: the answer that had freed the slot was lost with the power.
    crowded: Vec<(CallNumber, Extent)>,
    bytes: u64,
}

#[derive(Debug)]
struct Slot {
    /// Counts the uses of the slot, so that a number is used once per stream.
    generation: u32,
    place: Option<Extent>,
}

impl OpenCalls {
    /// The number of the next call; [`open`](Self::open) assigns it.
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

    /// Closes a call. A call that is not open is ignored.
    pub(in crate::journal) fn close(&mut self, number: CallNumber) {
        if let Some(at) = self.crowded.iter().position(|(crowded, _)| *crowded == number) {
            self.bytes -= self.crowded.swap_remove(at).1.size;
            return;
        }
        let Some(index) = index(number) else { return };
        let Some(entry) = self.entries.get_mut(index as usize).filter(|entry| is(entry, number)) else { return };
        if let Some(place) = entry.place.take() {
            self.bytes -= place.size;
            // A slot whose numbers are used up is not used again.
            if let Some(generation) = entry.generation.checked_add(1) {
                entry.generation = generation;
                self.free.push(index);
            }
        }
    }

    /// Notes that the request frame of a call has moved, or that its request record takes the place of its intent.
    pub(in crate::journal) fn moved(&mut self, number: CallNumber, to: Extent) {
        let Self { entries, crowded, bytes, .. } = self;
        let crowded = crowded.iter_mut().filter(|(crowded, _)| *crowded == number).map(|(_, place)| place);
        let entry = index(number).and_then(|index| entries.get_mut(index as usize));
        let own = entry.filter(|entry| is(entry, number)).and_then(|entry| entry.place.as_mut());
        for place in crowded.chain(own) {
            *bytes = bytes.saturating_sub(place.size) + to.size;
            *place = to;
        }
    }

    pub(in crate::journal) fn iter(&self) -> impl Iterator<Item = (CallNumber, Extent)> {
        let entries = (1_u64..)
            .zip(&self.entries)
            .filter_map(|(index, entry)| Some((CallNumber((u64::from(entry.generation) << 32) | index), entry.place?)));
        entries.chain(self.crowded.iter().copied())
    }

    /// The size of the request frames of all open calls, which the next segment has to take.
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

/// Recovery.
impl OpenCalls {
    /// Restores a call that was found open.
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
