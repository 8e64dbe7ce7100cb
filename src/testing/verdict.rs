//! Whether records are what is expected, or may still become it.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::audit_record::AuditRecord;
use super::expectation::Expectation;

/// What can be said by the records that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as expected, and no open call changes that.
    Holds,
    /// It is as expected, unless a call that is open ends as another entry.
    MayBreak,
    /// There are too few entries; others may come.
    MayCome,
    /// There are too many.
    Fails,
}

/// Judges the records of a trail.
pub(super) fn judge(expected: &Expectation, records: &[AuditRecord]) -> Verdict {
    let found = records.iter().filter(|record| expected.matches(record)).count();
    let may_end_so = || open_calls(records).iter().any(|request| expected.may_become(request));
    match found.cmp(&expected.count) {
        Ordering::Less => Verdict::MayCome,
        Ordering::Greater => Verdict::Fails,
        Ordering::Equal if may_end_so() => Verdict::MayBreak,
        Ordering::Equal => Verdict::Holds,
    }
}

/// The request records of the calls that have not ended.
pub(super) fn open_calls(records: &[AuditRecord]) -> Vec<&AuditRecord> {
    let ended: HashSet<_> =
        records.iter().filter(|record| record.phase() == Some("response")).filter_map(|it| it.call_id()).collect();
    let is_open = |record: &&AuditRecord| {
        record.phase() == Some("request") && record.call_id().is_some_and(|call| !ended.contains(call))
    };
    records.iter().filter(is_open).collect()
}
