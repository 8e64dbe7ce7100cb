//! Runs `auditrail tail`.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use super::filter::Filter;
use super::found::Found;
use super::printer::Printer;
use super::source::Source;
use crate::cli::args::TailArguments;
use crate::cli::outcome::{Failure, say};

/// Prints the last records, and goes on with new ones if that is wanted.
pub(in crate::cli) fn run(arguments: &TailArguments) -> Result<ExitCode, Failure> {
    let mut source = Source::find(arguments)?;
    let filter = Filter::of(arguments);
    let mut printer = Printer::of(arguments.format);
    let mut last = Last { most: arguments.lines, records: VecDeque::new() };
    source.read(&mut |found| {
        if filter.takes(&found) {
            last.push(found);
        }
    })?;
    let mut is_open = true;
    for found in last.in_order() {
        is_open = is_open && printer.print(&found)?;
    }
    while arguments.follow && is_open {
        std::thread::sleep(BETWEEN);
        let mut new = Vec::new();
        source.read(&mut |found| new.push(found))?;
        for found in new.iter().filter(|found| filter.takes(found)) {
            is_open = is_open && printer.print(found)?;
        }
    }
    match source.skipped() {
        0 => Ok(ExitCode::SUCCESS),
        skipped => {
            say(&format!("{skipped} line(s) are not OTLP JSON and were left out"));
            Ok(ExitCode::from(NOT_WELL))
        }
    }
}

/// The last records that were read.
struct Last {
    most: usize,
    records: VecDeque<Found>,
}

impl Last {
    fn push(&mut self, found: Found) {
        if self.most == 0 {
            return;
        }
        // Several streams come one after the other, and each has its own last records.
        if self.records.len() >= self.most.saturating_mul(STREAMS_AT_ONCE) {
            self.shrink();
        }
        self.records.push_back(found);
    }

    fn in_order(mut self) -> VecDeque<Found> {
        self.shrink();
        self.records
    }

    fn shrink(&mut self) {
        // Stable: what one stream has of one time stays in its order.
        self.records.make_contiguous().sort_by_key(Found::time);
        let surplus = self.records.len().saturating_sub(self.most);
        self.records.drain(..surplus);
    }
}

/// Sorting is rare where a file has many records.
const STREAMS_AT_ONCE: usize = 8;
const BETWEEN: Duration = Duration::from_millis(200);
/// As everywhere: done, but there are problems.
const NOT_WELL: u8 = 3;
