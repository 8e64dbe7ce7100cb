//! Counts what a client sends within a message that is not a message.

use super::garbage_rate::GarbageRate;
use crate::trail::Bounds;

/// The counter of one exchange.
#[derive(Debug, Default)]
pub(super) struct GarbageLimit {
    batch: Option<u64>,
    count: u32,
}

impl GarbageLimit {
    /// Whether one more has its own record.
    pub(super) fn has_own(
        &mut self,
        batch: Option<u64>,
        garbage_rate: &GarbageRate,
        now: u64,
        bounds: &Bounds,
    ) -> bool {
        if batch.is_none() || batch != self.batch {
            *self = Self { batch, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= bounds.garbage_per_message && garbage_rate.has_own(now, bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::super::garbage_rate::SECOND;
    use super::*;

    #[test]
    fn a_client_has_so_many_a_message_and_a_second() {
        let bounds = Bounds { garbage_per_message: 2, garbage_per_second: 5, ..Bounds::default() };
        let (mut garbage, garbage_rate) = (GarbageLimit::default(), GarbageRate::default());
        let mut own = |batch, now, count: usize| -> usize {
            (0..count).filter(|_| garbage.has_own(batch, &garbage_rate, now, &bounds)).count()
        };
        assert_eq!(own(Some(1), 1, 100), 2, "of one batch");
        assert_eq!(own(Some(2), 2, 100), 2, "of the next");
        assert_eq!(own(None, 3, 100), 1, "of this second");
        assert_eq!(own(None, SECOND, 1), 0);
        assert_eq!(own(None, SECOND + 1, 100), 5, "each a message of its own");
    }
}
