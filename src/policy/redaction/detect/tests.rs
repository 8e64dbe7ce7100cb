//! Each detector by labelled samples: how much of what it finds is one, and how much of what is one it finds.

use super::scan::{Detectors, Finding, Kind, Scan};
use super::{card, encoded, iban, look};
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Work;

fn found(text: &str, on: Detectors) -> Vec<Finding> {
    let (mut found, mut work) = (Vec::new(), Work::of(1 << 20));
    look::text(
        &mut Scan { on, work: &mut work, found: &mut found, look: look::text, is_decoded: false },
        text.as_bytes(),
    )
    .unwrap();
    found
}

fn all() -> Detectors {
    Detector::ALL.into_iter().fold(Detectors::default(), Detectors::with)
}

/// Run with `--nocapture` for the table.
#[test]
#[allow(clippy::print_stdout, reason = "the figures are what one wants to see")]
fn samples_are_told_apart() {
    println!("detector      samples  precision  recall");
    for (detector, precision_bound, recall_bound) in BOUNDS {
        let (mut right, mut wrong, mut missed, mut count) = (0_u32, 0_u32, 0_u32, 0_u32);
        let lines = include_str!("samples.tsv").lines().filter(|line| !line.starts_with('#'));
        for line in lines.filter(|line| line.split('\t').next() == Some(detector.as_str())) {
            let (is_one, text) = line.split_once('\t').unwrap().1.split_once('\t').unwrap();
            let is_found = !found(&text.replace("\\n", "\n"), Detectors::default().with(detector)).is_empty();
            count += 1;
            match (is_one, is_found) {
                ("yes", true) => right += 1,
                ("yes", false) => missed += 1,
                ("no", true) => wrong += 1,
                ("no", false) => continue,
                _ => panic!("{line}"),
            }
            if is_found != (is_one == "yes") {
                println!("    {detector}: wrong: {is_one} {text}");
            }
        }
        let (precision, recall) =
            (f64::from(right) / f64::from(right + wrong), f64::from(right) / f64::from(right + missed));
        println!("{detector:<12} {count:>8} {precision:>10.2} {recall:>7.2}");
        assert!(count >= 16, "{detector} has {count} samples");
        assert!(precision >= precision_bound, "{detector}: precision {precision}");
        assert!(recall >= recall_bound, "{detector}: recall {recall}");
    }
}

#[test]
fn what_is_found_is_all_of_it() {
    for (text, hidden) in [
        ("pay 4111 1111 1111 1111 now", "4111 1111 1111 1111"),
        ("to DE89 3704 0044 0532 0130 00, thanks", "DE89 3704 0044 0532 0130 00"),
        ("mail <ada@example.org>.", "ada@example.org"),
        ("call (212) 555-0123 now", "(212) 555-0123"),
        ("call +49 30 1234567, please", "+49 30 1234567"),
        (
            "a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b",
            "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----",
        ),
        ("a -----BEGIN PRIVATE KEY-----\nMII", "-----BEGIN PRIVATE KEY-----\nMII"),
        ("db postgres://admin:pw@host/x", "admin:pw"),
        // Percent-encoded, base64, hexadecimal: the whole piece.
        ("?q=ada%40example.org&b=1", "ada%40example.org"),
        ("x YWRhQGV4YW1wbGUub3Jn y", "YWRhQGV4YW1wbGUub3Jn"),
        ("x 616461406578616d706c652e6f7267 y", "616461406578616d706c652e6f7267"),
    ] {
        let found = found(text, all());
        let (start, end) = (found.iter().map(|one| one.start).min(), found.iter().map(|one| one.end).max());
        assert_eq!(start.zip(end).map(|(start, end)| &text[start..end]), Some(hidden), "{text}: {found:?}");
    }
}

#[test]
fn a_token_is_hidden_to_its_end() {
    let text = "x ghp_0123456789abcdefghijABCDEFGHIJ012345andmore-of_it y";
    let found = found(text, Detectors::default().with(Detector::Token));
    assert_eq!(
        found.iter().map(|one| &text[one.start..one.end]).collect::<Vec<_>>(),
        ["ghp_0123456789abcdefghijABCDEFGHIJ012345andmore-of_it"]
    );
    assert!(matches!(found[0].kind, Kind::Detector(Detector::Token)));
}

/// Of all numbers with the same digits before, one has the right check digit: the sum rule of ISO/IEC 7812-1, written another way.
#[test]
fn check_digits_of_cards_are_those_of_the_standard() {
    for number in 0..20_000_u64 {
        let number = 411_111_111_000_000 + number * 7;
        let right: Vec<_> = (0..10).filter(|check| card::luhn(&digits(number * 10 + check))).collect();
        let table = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
        let sum: u64 = digits(number)
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| if place % 2 == 0 { table[usize::from(*digit)] } else { u64::from(*digit) })
            .sum();
        assert_eq!(right, [(10 - sum % 10) % 10], "{number}");
    }
}

fn digits(number: u64) -> Vec<u8> {
    number.to_string().bytes().map(|digit| digit - b'0').collect()
}

/// The check digits are computed as the standard says, with the number as a whole.
#[test]
fn check_digits_of_accounts_are_those_of_the_standard() {
    let samples = include_str!("samples.tsv").lines().filter_map(|line| line.strip_prefix("iban\tyes\t"));
    let ibans: Vec<String> = samples
        .map(|text| text.replace(' ', ""))
        .filter(|text| text.len() < 35 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .collect();
    assert!(ibans.len() > 20);
    for iban in ibans {
        assert!(iban::is_valid(iban.as_bytes()), "{iban}");
        let (country, account) = (&iban[..2], &iban[4..]);
        let number: String = format!("{account}{country}00")
            .chars()
            .map(|character| character.to_digit(36).unwrap().to_string())
            .collect();
        let remainder = number.as_bytes().chunks(7).fold(0_u64, |rest, part| {
            format!("{rest}{}", std::str::from_utf8(part).unwrap()).parse::<u64>().unwrap() % 97
        });
        assert_eq!(format!("{:02}", 98 - remainder), iban[2..4]);
        for other in (0..100).map(|check| format!("{check:02}")).filter(|check| *check != iban[2..4]) {
            // 97 pairs of digits apart, two are the same number.
            let same = other.parse::<i32>().unwrap() - iban[2..4].parse::<i32>().unwrap();
            assert_eq!(iban::is_valid(format!("{country}{other}{account}").as_bytes()), same % 97 == 0);
        }
    }
}

#[test]
fn encodings_are_looked_into_once() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let once = BASE64_STANDARD.encode("mail ada@example.org now");
    let email = Detectors::default().with(Detector::Email);
    assert_eq!(found(&once, email).len(), 1);
    assert_eq!(found(&BASE64_STANDARD.encode(&once), email).len(), 0);
    assert!(once.len() > encoded::SHORTEST);
}

/// Precision and recall, at least.
const BOUNDS: [(Detector, f64, f64); 8] = [
    (Detector::Token, 0.97, 0.95),
    (Detector::PrivateKey, 1.0, 0.9),
    (Detector::Jwt, 1.0, 0.9),
    (Detector::Card, 0.95, 0.9),
    (Detector::Iban, 1.0, 0.95),
    (Detector::Email, 0.85, 0.88),
    (Detector::Phone, 0.94, 0.86),
    (Detector::Entropy, 0.95, 0.9),
];
