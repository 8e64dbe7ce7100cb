//! Reads a whole journal and reports what is wrong with it.

use std::io;

use super::inspection::{Inspection, Owner};
use super::problem::{Problem, ProblemKind};
use super::stream_check::StreamCheck;
use super::untouched::Untouched;
use crate::journal::disk::Fs as _;
use crate::journal::error::JournalError;
use crate::journal::format::segment_number;
use crate::record::StreamId;

impl Inspection {
    /// Reads every frame of every stream, and the quarantine. `problem` gets each problem as it is found, and `progress`
    /// gets the bytes that were read and the total. What a living owner does in the meantime is not a problem.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn check(
        &self,
        mut problem: impl FnMut(Problem),
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), JournalError> {
        let names = self.names_of_streams()?;
        let total: u64 = names.iter().map(|name| self.bytes_of(name)).sum();
        let mut done = 0;
        progress(done, total);
        for name in names {
            let Some(stream) = StreamId::parse(&name) else {
                let path = self.paths.streams().join(name);
                problem(Problem::of(ProblemKind::Stranger, path, "its name is not a stream id"));
                continue;
            };
            let check = StreamCheck::of(stream, self.paths.stream(stream), self.owner(stream) != Owner::Gone);
            let problems = check.problems(&mut |bytes| {
                done += bytes;
                progress(done.min(total), total);
            });
            problems.into_iter().for_each(&mut problem);
        }
        self.check_quarantine(&mut problem)?;
        self.check_ledger(&mut problem);
        progress(total, total);
        Ok(())
    }

    fn check_quarantine(&self, problem: &mut impl FnMut(Problem)) -> Result<(), JournalError> {
        for name in self.quarantine_names()? {
            if let Err(error) = self.quarantined(&name) {
                let path = self.paths.quarantine().join(format!("{name}.rec"));
                let kind = match &error {
                    JournalError::Io { cause, .. } if cause.kind() == io::ErrorKind::InvalidData => {
                        ProblemKind::QuarantineDamaged
                    }
                    _ => ProblemKind::Unreadable,
                };
                problem(Problem::of(kind, path, error.to_string()));
            }
        }
        Ok(())
    }

    fn check_ledger(&self, problem: &mut impl FnMut(Problem)) {
        let ledger = match self.ledger() {
            Ok(ledger) => ledger,
            Err(error) => return problem(Problem::of(ProblemKind::Unreadable, self.paths.ledger(), error.to_string())),
        };
        if let Some((path, version)) = ledger.unknown {
            problem(Problem::of(ProblemKind::UnknownVersion, path, format!("it is of version {version}")));
        }
        for (path, offset) in ledger.damaged {
            let text = if offset == 0 { "it is not a valid header of a ledger" } else { "it is not a valid entry" };
            problem(Problem { offset: Some(offset), ..Problem::of(ProblemKind::LedgerDamaged, path, text) });
        }
    }

    fn bytes_of(&self, stream: &str) -> u64 {
        let directory = self.paths.streams().join(stream);
        let names = Untouched.list(&directory).unwrap_or_default();
        let segments = names.iter().filter(|name| segment_number(name).is_some());
        segments.map(|name| Untouched.identity(&directory.join(name)).map_or(0, |found| found.length)).sum()
    }
}
