use std::collections::HashSet;

use crate::arrived::Arrived;
use crate::document::{DELIVERY, between_marks, share};
use crate::options::Command;

fn request(ids: &[u64]) -> String {
    let record = |id| format!(r#"{{"attributes":[{{"key":"id","value":{{"intValue":"{id}"}}}}]}}"#);
    let records: Vec<_> = ids.iter().map(record).collect();
    format!(
        r#"{{"resourceLogs":[{{"resource":{{}},"scopeLogs":[{{"scope":{{}},"logRecords":[{}]}}]}}]}}"#,
        records.join(",")
    )
}

#[test]
fn half_a_line_hides_no_request_behind_it() {
    let mut arrived = Arrived::default();
    let (half, whole) = (request(&[1, 2]), request(&[3, 4]));
    arrived.add(format!("{}{whole}\n", &half[..half.len() - 9]).as_bytes());
    arrived.add(&half.as_bytes()[..half.len() - 9]);
    assert_eq!(arrived.of(&HashSet::from([1, 2, 3, 4])), 2);
}

#[test]
fn duplicates_and_unacknowledged_are_told_apart() {
    let mut arrived = Arrived::default();
    arrived.add(request(&[1, 2, 9]).as_bytes());
    arrived.add(request(&[2, 9]).as_bytes());
    let emitted = HashSet::from([1, 2, 3]);
    assert_eq!((arrived.of(&emitted), arrived.beyond(&emitted), arrived.duplicates()), (2, 1, 2));
}

#[test]
fn records_without_an_id_are_not_counted() {
    let mut arrived = Arrived::default();
    arrived.add(br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"a","value":{}}]},{}]}]}]}"#);
    assert_eq!(arrived.beyond(&HashSet::new()), 0);
}

#[test]
fn only_all_is_a_hundred_percent() {
    assert_eq!(share(200_000, 200_000), "200 000 of 200 000 (100 %)");
    assert_eq!(share(199_999, 200_000), "199 999 of 200 000 (99.9 %)");
    assert_eq!(share(0, 1_234_567), "0 of 1 234 567 (0.0 %)");
    assert_eq!(share(0, 0), "nothing emitted");
}

#[test]
fn only_what_stands_between_the_marks_is_replaced() {
    let text = "before\n<!-- delivery: written by auditrail-compare -->\nold\n<!-- /delivery -->\nafter\n";
    let new = between_marks(text, DELIVERY, "new\n").unwrap();
    assert_eq!(new, text.replace("old", "new"));
    assert_eq!(between_marks("no marks", DELIVERY, "new"), None);
    let document = include_str!("../../docs/compare.md");
    assert!(between_marks(document, DELIVERY, "").is_some(), "docs/compare.md has lost its marks");
}

#[test]
fn a_word_that_nobody_knows_is_a_mistake() {
    let parse = |words: &[&str]| Command::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert!(matches!(parse(&["burst", "sdk"]), Ok(Command::Compare(_))));
    assert!(parse(&["bursts"]).is_err());
    assert!(parse(&["--quick", "--write"]).is_err(), "the document holds the full form only");
    assert!(parse(&["emit", "sdk"]).is_err());
}
