//! Compares records with what is expected.

use super::audit_record::AuditRecord;
use super::expectation::Expectation;
use super::mismatch::Mismatch;
use super::verdict::{Verdict, judge};

impl Expectation {
    /// Compares with the records of a trail.
    ///
    /// # Errors
    /// [`Mismatch`], which shows what was there instead.
    pub fn check(&self, records: &[AuditRecord]) -> Result<(), Mismatch> {
        match judge(self, records) {
            Verdict::Holds | Verdict::MayBreak => Ok(()),
            Verdict::MayCome | Verdict::Fails => Err(Mismatch::new(self, records)),
        }
    }
}
