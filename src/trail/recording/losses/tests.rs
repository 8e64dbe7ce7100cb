use super::{LossReport, Losses, MOST_RANGES, NotAccepted};
use crate::journal::SinkName;

fn refused(first: u64, last: u64, count: u64) -> LossReport {
    LossReport { first, last, quarantined: count, lost: 0, sink: Some(SinkName::OTLP) }
}

#[test]
fn a_record_is_accepted_unless_it_is_in_a_range_that_was_reported() {
    let mut gone = Losses::default();
    gone.note(refused(3, 5, 3), 0);
    gone.note(refused(6, 9, 1), 0);
    gone.note(LossReport { first: 12, last: 12, quarantined: 0, lost: 1, sink: None }, 0);
    let found: Vec<_> = (1..=13).map(|sequence| gone.why(sequence)).collect();
    let (all, some, lost) = (Some(NotAccepted::Refused), Some(NotAccepted::MaybeRefused), Some(NotAccepted::Lost));
    assert_eq!(found, [None, None, all, all, all, some, some, some, some, None, None, lost, None]);
}

#[test]
fn a_report_counts_once_it_is_settled_and_once_if_it_is_repeated() {
    let mut gone = Losses::default();
    gone.note(refused(3, 5, 3), 0);
    assert_eq!(gone.up_to(4), (0, 0), "a part of it is pending");
    gone.note(refused(3, 5, 3), 0);
    assert_eq!(gone.up_to(5), (3, 0));
    assert_eq!(gone.up_to(9), (3, 0));
}

/// Invariant 3.
#[test]
fn a_collector_that_refuses_everything_takes_one_range_and_what_is_forgotten_is_not_accepted() {
    let mut gone = Losses::default();
    (1..=100_000).for_each(|number| gone.note(refused(number, number, 1), number - 1));
    assert_eq!(gone.reported.len(), 1, "the others are settled");
    assert_eq!(gone.up_to(100_000), (100_000, 0));
    assert_eq!((gone.ranges.len(), gone.why(1), gone.why(100_001)), (1, Some(NotAccepted::Refused), None));

    let mut gone = Losses::default();
    let odd = |place: u64| 2 * place + 1;
    let places = 2 * MOST_RANGES as u64;
    (0..places).for_each(|place| gone.note(refused(odd(place), odd(place), 1), 2 * place));
    assert_eq!(gone.ranges.len(), MOST_RANGES);
    assert_eq!((gone.why(1), gone.why(2)), (Some(NotAccepted::Forgotten), Some(NotAccepted::Forgotten)));
    assert_eq!((gone.why(odd(places - 1)), gone.why(odd(places - 1) - 1)), (Some(NotAccepted::Refused), None));
}

/// Invariant 5.
#[test]
fn what_another_sink_refused_is_accepted_by_the_one_that_remote_means() {
    let mut gone = Losses::default();
    gone.note(LossReport { sink: SinkName::new("file"), ..refused(3, 5, 3) }, 0);
    assert_eq!((gone.why(4), gone.up_to(5)), (None, (3, 0)), "it counts as quarantined all the same");
    gone.note(refused(3, 5, 3), 0);
    assert_eq!(gone.why(4), Some(NotAccepted::Refused));
}

/// Invariant 4, with a list of numbers as the oracle. A sink that does not say which ones it refused is believed to mean others
/// than the ones that are known, as long as there are others.
#[test]
fn a_record_that_several_sinks_refuse_counts_once() {
    let file = |first, last| LossReport { sink: SinkName::new("file"), ..refused(first, last, last - first + 1) };
    let otlp = |first: u64, last: u64| refused(first, last, last - first + 1);
    let orders: [&[LossReport]; 4] = [
        &[otlp(3, 5), file(3, 5)],
        &[otlp(3, 5), file(5, 9), otlp(8, 12)],
        &[file(1, 20), otlp(2, 2), otlp(4, 4), otlp(6, 7)],
        &[otlp(2, 2), otlp(4, 4), otlp(6, 7), file(1, 20)],
    ];
    for reports in orders {
        for settled_between in [false, true] {
            let mut gone = Losses::default();
            let mut expected = std::collections::BTreeSet::new();
            for report in reports {
                gone.note(*report, 0);
                expected.extend(report.first..=report.last);
                if settled_between {
                    gone.up_to(report.last);
                }
            }
            assert_eq!(gone.up_to(100), (expected.len() as u64, 0), "{reports:?}");
        }
    }
    let mut gone = Losses::default();
    gone.note(refused(6, 9, 1), 0);
    gone.note(LossReport { quarantined: 4, ..file(6, 9) }, 0);
    assert_eq!(gone.up_to(9), (4, 0), "not more than there are");
}
