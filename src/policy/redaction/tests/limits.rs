//! What is beyond a limit, and what panics, is masked whole and still recorded.

use sha2::{Digest as _, Sha256};

use super::{Keyed, key, redact, redactor};
use crate::policy::redaction::{Action, Context, Protect, RedactionLimits, Redactor, Unread};

fn limited(change: impl FnOnce(&mut RedactionLimits)) -> Redactor {
    let mut limits = RedactionLimits::default();
    change(&mut limits);
    Redactor::builder().limits(limits).build().unwrap()
}

#[test]
fn beyond_a_limit_all_is_masked_and_its_digest_is_kept() {
    let deep = format!("{}\"secret\"{}", "[".repeat(65), "]".repeat(65));
    let work = format!("\"{}\"", "SK.pat.ghp_".repeat(40));
    for (redactor, content, why) in [
        (limited(|limits| limits.bytes = 10), "\"12345678901\"", Unread::TooLong),
        (limited(|_| {}), deep.as_str(), Unread::TooDeep),
        (limited(|limits| limits.values = 3), "[1,2,3]", Unread::TooManyValues),
        (limited(|limits| limits.work = 500), work.as_str(), Unread::TooMuchWork),
    ] {
        let redacted = redact(&redactor, content);
        assert_eq!(redacted.unread, Some(why));
        assert_eq!((redacted.text.as_str(), redacted.truncated), ("\"[redacted]\"", true), "{why:?}");
        assert_eq!(redacted.original_bytes, content.len());
        assert_eq!(redacted.digest, Some(Keyed.hash("arguments", &Sha256::digest(content))));
    }
    assert_eq!(redact(&limited(|_| {}), &deep[1..deep.len() - 1]).unread, None, "64 levels");
}

/// What is made to take long costs its own content, and nothing else: the work is bounded whatever stands there.
#[test]
fn hostile_content_takes_bounded_work() {
    let cases: [(&str, usize); 12] = [
        ("eyJ.", 16_384),
        ("a@a.", 16_000),
        ("+1 ", 21_000),
        ("DE12 ", 13_000),
        ("012 ", 16_000),
        ("%41", 21_000),
        ("s.", 32_000),
        ("-----BEGIN", 6_500),
        ("://a:", 13_000),
        ("AAAA", 16_000),
        ("61", 32_000),
        ("ghp_", 16_000),
    ];
    for (piece, times) in cases {
        let content = piece.repeat(times);
        let redacted = redact(&Redactor::default(), &content);
        let is_bounded = matches!(redacted.unread, None | Some(Unread::TooMuchWork));
        assert!(is_bounded && redacted.original_bytes == content.len(), "{piece}: {redacted:?}");
    }
    // All of them try to be looked at again from every place.
    assert_eq!(redact(&Redactor::default(), &"eyJ.".repeat(16_384)).unread, Some(Unread::TooMuchWork));
    let nested = (0..12)
        .fold("x".to_owned(), |text, _| serde_json::json!({ "a": text }).to_string().chars().take(60_000).collect());
    assert!(matches!(redact(&Redactor::default(), &nested).unread, None | Some(Unread::Malformed)));
}

#[test]
fn a_text_is_cut_after_redaction() {
    let redactor = limited(|limits| limits.kept_bytes = 20);
    // The address lies across the cut, and no half of it is left.
    let redacted = redact(&redactor, "0123456789 ada@example.org");
    assert_eq!((redacted.text.as_str(), redacted.truncated), ("0123456789 [redacted", true));
    assert_eq!(redacted.digest, Some(Keyed.hash("arguments", &Sha256::digest("0123456789 ada@example.org"))));
    // No character is cut in two.
    assert_eq!(redact(&redactor, "aééééééééééééééé").text, "aééééééééé");
}

#[test]
fn a_panic_masks_all_and_still_records() {
    let redacted = redact(&Redactor::default(), r#"{"a":"planted-panic","b":"secret"}"#);
    assert_eq!((redacted.text.as_str(), redacted.unread), ("\"[redacted]\"", Some(Unread::Panicked)));
    assert!(redacted.digest.is_some());
}

#[test]
fn a_panic_in_what_protects_masks_all_and_still_records() {
    struct Panics;
    impl Protect for Panics {
        fn hash(&self, _: &str, _: &[u8]) -> String {
            panic!("no hash")
        }
        fn pseudonym(&self, _: &str, _: Option<&str>, _: &[u8]) -> Option<String> {
            panic!("no pseudonym")
        }
        fn encrypt(&self, _: &str, _: &str, _: &[u8]) -> Option<String> {
            panic!("no encryption")
        }
    }
    for action in [Action::Hash, Action::Pseudonymise, Action::Encrypt] {
        let context = Context::of("arguments").subject(Some("subject"));
        let redacted = redactor([key("name", action)]).redact(br#"{"name":"Ada"}"#, &context, &Panics);
        assert_eq!((redacted.text.as_str(), redacted.unread), ("\"[redacted]\"", Some(Unread::Panicked)));
        assert_eq!(redacted.digest, None);
    }
}

#[test]
fn bytes_that_are_no_text_are_recorded_without_panic() {
    let redacted = Redactor::default().redact(b"\"\xFF\xFE ada@example.org\"", &Context::of("result"), &Keyed);
    assert_eq!(redacted.text, "\"\u{FFFD}\u{FFFD} [redacted:email]\"");
}

#[test]
fn debug_tells_no_content() {
    let redacted = redact(&Redactor::default(), "\"hidden\"");
    assert!(!format!("{redacted:?}").contains("hidden"));
    let mut reader = Redactor::default().reader();
    reader.push(b"hidden");
    assert!(!format!("{reader:?}").contains("hidden"));
}
