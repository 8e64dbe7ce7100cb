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
