//! The switch that turns auditing off.

/// Whether calls are audited. A trail that is switched off leaves one record, which says so, and calls run unrecorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Auditing {
    /// They are.
    #[default]
    On,
    /// They are not. Calls whose class refuses to run unrecorded do not run: the start fails if such a class is known by then,
    /// and the calls are refused otherwise.
    Off,
    /// They are not, and even calls whose class refuses to run unrecorded do run.
    OffForAll,
}

impl Auditing {
    /// Whether calls are recorded.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}
