use std::collections::BTreeSet;

use super::RefusedGaps;
use crate::journal::SinkName;
use crate::record::StreamId;
use crate::ship::RefusedRange;

fn gap(first: u64, last: u64) -> RefusedRange {
    let count = last - first + 1;
    RefusedRange { stream: StreamId::from_bytes([7; 16]), sink: SinkName::OTLP, count, of: count, first, last }
}

/// What is told has exactly the numbers that were refused, whatever stands between them.
#[test]
fn scattered_records_that_are_refused_are_told_exactly() {
    let mut gaps = RefusedGaps::default();
    let (mut refused, mut told) = (BTreeSet::new(), Vec::new());
    for step in 0..50_000 {
        let number = 7 * step + 1;
        for number in [number, number + 1] {
            gaps.wrote(number);
            refused.insert(number);
        }
        for gap in [gap(number, number), gap(number + 1, number + 1), gap(number, number)] {
            if !gaps.hold_back(gap) {
                told.push(gap);
            }
        }
        if step % 10_000 == 0 {
            told.extend(gaps.take());
        }
    }
    told.extend(gaps.take());
    assert!(told.iter().all(|gap| gap.is_whole()));
    let numbers: BTreeSet<_> = told.iter().flat_map(|gap| gap.first..=gap.last).collect();
    assert_eq!(numbers, refused);
    assert!(gaps.take().is_empty());
}

/// Those that nobody can count exactly stay apart.
#[test]
fn a_part_of_some_is_joined_to_nothing() {
    let mut gaps = RefusedGaps::default();
    (1..=9).for_each(|number| gaps.wrote(number));
    let part = RefusedRange { count: 2, ..gap(4, 6) };
    assert!(gaps.hold_back(gap(1, 3)) && gaps.hold_back(part) && gaps.hold_back(part) && gaps.hold_back(gap(7, 9)));
    assert_eq!(gaps.take(), [gap(1, 3), part, gap(7, 9)]);
    assert!(!gaps.hold_back(gap(9, 10)), "the last one tells of something else");
}
