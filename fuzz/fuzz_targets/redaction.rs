//! Arbitrary content, in pieces of any sizes: redaction ends without a panic, splits change nothing, and JSON stays JSON.

#![no_main]

use auditrail::policy::redaction::{Action, Context, Protect, RedactionRule, Redactor, Unread};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], Vec<u8>, u8)| {
    let (content, sizes, action) = input;
    let action = Action::ALL[usize::from(action) % Action::ALL.len()];
    let rules =
        [RedactionRule::key("a*", action), RedactionRule::path("$.b[*]", action), RedactionRule::path("$..c", action)];
    let redactor =
        rules.into_iter().fold(Redactor::builder(), |builder, rule| builder.rule(rule)).build().expect("the rules");
    let context = Context::of("arguments").subject(Some("subject"));

    let whole = redactor.redact(content, &context, &Plain);
    assert_ne!(whole.unread, Some(Unread::Panicked));
    let (mut reader, mut rest) = (redactor.reader(), content);
    for size in sizes {
        let (piece, after) = rest.split_at(rest.len().min(size.into()));
        reader.push(piece);
        rest = after;
    }
    reader.push(rest);
    assert_eq!(reader.finish(&context, &Plain), whole);

    let is_json = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    assert!(whole.truncated || !is_json(content) || is_json(whole.text.as_bytes()), "{}", whole.text);
});

/// Makes nothing of values but their length, and cannot encrypt all of them.
struct Plain;

impl Protect for Plain {
    fn hash(&self, _: &str, value: &[u8]) -> String {
        format!("k:{}", value.len())
    }

    fn pseudonym(&self, _: &str, _: Option<&str>, value: &[u8]) -> Option<String> {
        Some(format!("p:{}", value.len()))
    }

    fn encrypt(&self, _: &str, _: &str, value: &[u8]) -> Option<String> {
        (value.len() % 2 == 0).then(|| format!("e:{}", value.len()))
    }
}
