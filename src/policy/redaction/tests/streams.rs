//! Content in pieces, and what is left of secrets in any encoding.

use proptest::prelude::*;

use super::{Keyed, key, redactor};
use crate::hex::hex;
use crate::policy::redaction::{Action, Context, Redacted, RedactionLimits, Redactor, Unread};

const SAMPLES: [&str; 5] = [
    r#"{"password":"hunter2","mail":"ada@example.org","card":"4111 1111 1111 1111"}"#,
    r#"{"content":[{"type":"text","text":"{\"password\":\"x\\u0041\",\"n\":[1,2]}"}]}"#,
    "call +49 30 1234567 or pay to DE89 3704 0044 0532 0130 00",
    r#"{"key":"-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\n"}"#,
    r#"["ghp_0123456789abcdefghijABCDEFGHIJ012345","YWRhQGV4YW1wbGUub3Jn"]"#,
];

fn read<'a>(redactor: &Redactor, pieces: impl IntoIterator<Item = &'a [u8]>) -> Redacted {
    let mut reader = redactor.reader();
    pieces.into_iter().for_each(|piece| reader.push(piece));
    reader.finish(&Context::of("arguments"), &Keyed)
}

#[test]
fn a_split_anywhere_changes_nothing() {
    let redactor = redactor([key("password", Action::Drop)]);
    for sample in SAMPLES {
        let whole = redactor.redact(sample.as_bytes(), &Context::of("arguments"), &Keyed);
        assert!(!whole.paths.is_empty(), "{sample}");
        for at in 0..=sample.len() {
            let (one, two) = sample.as_bytes().split_at(at);
            assert_eq!(read(&redactor, [one, two]), whole, "{sample} at {at}");
        }
        assert_eq!(read(&redactor, sample.as_bytes().chunks(1)), whole);
    }
}

#[test]
fn of_a_stream_beyond_the_limit_length_and_digest_are_kept() {
    let limits = RedactionLimits { bytes: 16, ..RedactionLimits::default() };
    let redactor = Redactor::builder().limits(limits).build().unwrap();
    let content = b"0123456789abcdef+secret";
    let whole = redactor.redact(content, &Context::of("arguments"), &Keyed);
    assert_eq!((whole.unread, whole.original_bytes), (Some(Unread::TooLong), content.len()));
    assert!(whole.digest.is_some());
    for at in 0..=content.len() {
        let (one, two) = content.split_at(at);
        assert_eq!(read(&redactor, [one, two]), whole, "{at}");
    }
    let mut reader = redactor.reader();
    (0..1000).for_each(|_| reader.push(content));
    assert_eq!(reader.bytes(), 1000 * content.len());
    assert!(reader.held() <= 16, "what is too long is not held");
}

/// A secret of its kind, as it can stand in a content.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{3,8}\\.[a-z]{3,8}@[a-z]{4,8}\\.(com|org)",
        "ghp_[0-9][a-z][A-Z][0-9a-zA-Z]{33}",
        "AKIA[A-Z2-7]{8}Q3X7M2ZK",
        "[A-Za-z0-9]{0}4111 1111 1111 1111",
        "\\+49 30 [1-9][0-9]{6}",
    ]
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn percent_of_few(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The encodings that are looked into, each by code that shares nothing with what looks.
fn encodings(text: &str) -> Vec<String> {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
    let escaped = text.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
    vec![
        text.to_owned(),
        percent(text),
        percent_of_few(text),
        BASE64_STANDARD.encode(text),
        BASE64_URL_SAFE_NO_PAD.encode(text),
        hex(text.as_bytes()),
        hex(text.as_bytes()).to_uppercase(),
        escaped,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn pieces_of_any_size_change_nothing(sample in 0..SAMPLES.len(), cuts in proptest::collection::vec(0..200_usize, 0..8)) {
        let sample = SAMPLES[sample].as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(sample.len())).chain([0, sample.len()]).collect();
        cuts.sort_unstable();
        let redactor = Redactor::default();
        let pieces = cuts.windows(2).map(|ends| &sample[ends[0]..ends[1]]);
        prop_assert_eq!(read(&redactor, pieces), redactor.redact(sample, &Context::of("arguments"), &Keyed));
    }

    #[test]
    fn a_secret_is_left_in_no_encoding(secret in secret(), before in "[a-z ]{0,12} ", after in " [a-z ,]{0,12}", place in 0..4) {
        for encoded in encodings(&secret) {
            let value = format!("{before}{encoded}{after}");
            let content = match place {
                0 => format!("{{\"a\":[1,\"{value}\"]}}"),
                1 => format!("{{\"content\":[{{\"type\":\"text\",\"text\":\"{{\\\"b\\\":\\\"{}\\\"}}\"}}]}}", value.replace('\\', "\\\\")),
                2 => format!("{{\"{value}\":true}}"),
                _ if encoded.contains('\\') => continue, // text is not escaped
                _ => value,
            };
            let redacted = Redactor::default().redact(content.as_bytes(), &Context::of("arguments"), &Keyed);
            prop_assert!(!redacted.paths.is_empty(), "{content}");
            let reversed: String = secret.chars().rev().collect();
            for left in encodings(&secret).into_iter().chain([reversed]) {
                prop_assert!(!redacted.text.contains(&left), "{content} became {}", redacted.text);
            }
        }
    }

    #[test]
    fn a_value_that_a_rule_hides_is_left_in_no_encoding(value in "[a-zA-Z0-9]{8,16}", action in 0..5_usize) {
        let content = serde_json::json!({"name": "a", "secret": {"deep": [value]}, "b": 1}).to_string();
        let redacted = super::redact(&redactor([key("secret", Action::ALL[action])]), &content);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&redacted.text).is_ok());
        let reversed: String = value.chars().rev().collect();
        for left in encodings(&value).into_iter().chain([reversed]) {
            prop_assert!(!redacted.text.contains(&left));
        }
    }

    #[test]
    fn anything_is_redacted_without_a_panic(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let redacted = Redactor::default().redact(&content, &Context::of("arguments"), &Keyed);
        prop_assert_ne!(redacted.unread, Some(Unread::Panicked));
    }

    /// What comes out of JSON is JSON.
    #[test]
    fn json_stays_json(content in "(\\{\"[a-z@.]{0,9}\":(\"[0-9 +a-z@.\\\\\"]{0,12}\"|[0-9]{1,18}|null|\\[(\"ada@example.org\",)?1\\])\\})") {
        let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
        for action in Action::ALL {
            let rules = crate::policy::redaction::Detector::ALL.map(|detector| crate::policy::redaction::RedactionRule::detector(detector, action));
            let redacted = super::redact(&redactor(rules), &content);
            prop_assert!(!is_json(&content) || is_json(&redacted.text), "{content} became {}", redacted.text);
        }
    }
}
