//! Planted bugs, which prove that the tests would find them: `tests/kill-matrix`.
//!
//! They exist only in builds with `--cfg planted`; otherwise the question is a constant.

/// Whether a bug is planted in this run.
#[cfg(not(planted))]
#[inline(always)]
pub(crate) const fn planted(_: &str) -> bool {
    false
}

/// Whether a bug is planted in this run, by `AUDITRAIL_PLANTED`.
#[cfg(planted)]
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
pub(crate) fn planted(bug: &str) -> bool {
    static PLANTED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("AUDITRAIL_PLANTED").ok());
    PLANTED.as_deref() == Some(bug)
}
