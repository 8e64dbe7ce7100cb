//! A queue of the newest items, bounded in number and in bytes.

use std::{collections::VecDeque, sync::Arc};

use super::item::Weighed;
use crate::serve::error::TailError;

/// The limits of a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingLimits {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

/// Items at consecutive positions.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    items: VecDeque<Weighed<Arc<T>>>,
    limits: RingLimits,
    weight: usize,
    next: u64,
    dropped: u64,
}

/// The result of a lookup.
#[derive(Debug)]
pub(crate) enum RingSlot<T> {
    /// The item at this position.
    Held(Arc<T>),
    /// Nothing any more: the item was dropped.
    Dropped { oldest: u64 },
    /// Nothing yet.
    Ahead,
}

impl<T> Ring<T> {
    pub(crate) fn new(limits: RingLimits, first_position: u64) -> Self {
        Self { items: VecDeque::new(), limits, weight: 0, next: first_position, dropped: 0 }
    }

    /// Adds an item at the next position; call [`Ring::drop_excess`] until it has nothing more to drop.
    pub(crate) fn push(&mut self, item: Arc<T>, weight: usize) {
        self.items.push_back(Weighed { item, weight });
        self.weight = self.weight.saturating_add(weight);
        self.next = self.next.saturating_add(1);
    }

    /// Drops the oldest item if there are too many; the newest always stays.
    pub(crate) fn drop_excess(&mut self) -> Option<Arc<T>> {
        let excess = self.items.len() > self.limits.items || self.weight > self.limits.bytes;
        if !excess || self.items.len() <= 1 {
            return None;
        }
        let Weighed { item, weight } = self.items.pop_front()?;
        self.weight = self.weight.saturating_sub(weight);
        self.dropped = self.dropped.saturating_add(1);
        Some(item)
    }

    pub(crate) fn at(&self, position: u64) -> RingSlot<T> {
        let Some(offset) = position.checked_sub(self.oldest()) else {
            return RingSlot::Dropped { oldest: self.oldest() };
        };
        let held = usize::try_from(offset).ok().and_then(|index| self.items.get(index));
        held.map_or(RingSlot::Ahead, |entry| RingSlot::Held(Arc::clone(&entry.item)))
    }

    /// The next position for a reader that has read up to and including `position`; no item has position 0.
    pub(crate) fn resume_after(&self, position: u64) -> Result<u64, TailError> {
        let oldest = self.oldest();
        if position == 0 {
            return Ok(oldest);
        }
        if position >= self.next {
            return Err(TailError::Unknown { asked: position, newest: self.next.saturating_sub(1) });
        }
        let next = position.saturating_add(1);
        if next < oldest {
            return Err(TailError::NotHeld { asked: position, oldest });
        }
        Ok(next)
    }

    /// The position that the next item will have.
    pub(crate) fn next_position(&self) -> u64 {
        self.next
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn to_vec(&self) -> Vec<Arc<T>> {
        self.items.iter().map(|entry| Arc::clone(&entry.item)).collect()
    }

    /// The position of the oldest item; the next one if there is none.
    fn oldest(&self) -> u64 {
        let held = u64::try_from(self.items.len()).unwrap_or(u64::MAX);
        self.next.saturating_sub(held)
    }

    #[cfg(test)]
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}
