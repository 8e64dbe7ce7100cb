//! What rules do to content, and what is left of it.

mod keyed;
mod limits;
mod rules;
mod streams;

use super::{Action, Context, Redacted, RedactionRule, Redactor, RedactorBuilder};
pub(super) use keyed::Keyed;

fn redactor(rules: impl IntoIterator<Item = RedactionRule>) -> Redactor {
    rules.into_iter().fold(Redactor::builder(), RedactorBuilder::rule).build().unwrap()
}

fn redact(redactor: &Redactor, content: &str) -> Redacted {
    redactor.redact(
        content.as_bytes(),
        &Context::of("arguments").subject(Some("subject")).tenant(Some("tenant")),
        &Keyed,
    )
}

fn key(key: &str, action: Action) -> RedactionRule {
    RedactionRule::key(key, action)
}

fn path(path: &str, action: Action) -> RedactionRule {
    RedactionRule::path(path, action)
}
