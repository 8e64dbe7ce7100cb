//! What is digested of a call, on every route alike, so that all who see a call agree on it.
//!
//! | of | digested is |
//! |---|---|
//! | a request | `arguments` of `tools/call` and `prompts/get` |
//! | an answer | the result of `tools/call`, `prompts/get` and `resources/read`, also one with `isError`, without the members that belong to its transport ([`NOT_CONTENT`]) |
//!
//! Digested is the canonical form (RFC 8785). Of a value that a tap cannot hold, or that has no canonical form, it is the bytes on
//! the wire, from the first to the last, with all members.

#[cfg(feature = "rmcp")]
use serde_json::Map;
use serde_json::Value;

use super::message::{PartCounts, ResultFacts};
use super::raw_content::RawContent;
#[cfg(feature = "internals")]
use crate::trail::DigestClass;
use crate::trail::{Content, ContentBody, ContentPart, DigestForm};

/// Arguments that were read on the wire, if requests of that method have any.
pub(crate) fn arguments(method: &str, raw: Option<&RawContent>) -> Option<Content> {
    let raw = raw.filter(|_| matches!(method, "tools/call" | "prompts/get"))?;
    Some(of_wire(ContentPart::Arguments, raw, None))
}

/// A result that was read on the wire, if it is content.
pub(crate) fn result(method: &str, answer: &ResultFacts) -> Option<Content> {
    let count = answer.counts.and_then(|counts| count(method, counts))?;
    Some(of_wire(ContentPart::Result, answer.content.as_ref()?, Some(count)))
}

/// Arguments in memory. `None` if they have no canonical form, as for [`of_result`].
#[cfg(feature = "rmcp")]
pub(crate) fn of_arguments(arguments: &Map<String, Value>) -> Option<Content> {
    let body = ContentBody::Held(serde_jcs::to_vec(arguments).ok()?);
    Some(Content { part: ContentPart::Arguments, form: DigestForm::Jcs, body, count: None })
}

/// A result in memory.
#[cfg(feature = "rmcp")]
pub(crate) fn of_result(mut result: Value, count: usize) -> Option<Content> {
    let body = ContentBody::Held(canonical(ContentPart::Result, &mut result)?);
    Some(Content { part: ContentPart::Result, form: DigestForm::Jcs, body, count: Some(count as u64) })
}

/// The canonical form of a JSON text, as digests of that class are made of it. `None` for other classes, too.
#[cfg(feature = "internals")]
pub fn canonical_of(class: DigestClass, text: &[u8]) -> Option<Vec<u8>> {
    match class {
        DigestClass::Arguments => canonical_text(ContentPart::Arguments, text),
        DigestClass::Result => canonical_text(ContentPart::Result, text),
        _ => None,
    }
}

/// The canonical form of a JSON text, as it is digested. `None` if the text has none: it is not JSON in UTF-8, or it has numbers or
/// strings that cannot be compared.
fn canonical_text(part: ContentPart, text: &[u8]) -> Option<Vec<u8>> {
    // Of keys that occur twice the last counts, as everywhere.
    canonical(part, &mut serde_json::from_slice(text).ok()?)
}

fn of_wire(part: ContentPart, raw: &RawContent, count: Option<u64>) -> Content {
    let (form, body) = match raw {
        RawContent::Long { digest, bytes } => (DigestForm::Raw, ContentBody::Passed { digest: *digest, bytes: *bytes }),
        RawContent::Whole(bytes) => match canonical_text(part, bytes) {
            Some(canonical) => (DigestForm::Jcs, ContentBody::Held(canonical)),
            None => (DigestForm::Raw, ContentBody::Held(bytes.clone())),
        },
    };
    Content { part, form, body, count }
}

fn canonical(part: ContentPart, value: &mut Value) -> Option<Vec<u8>> {
    if part == ContentPart::Result
        && let Some(result) = value.as_object_mut()
    {
        NOT_CONTENT.iter().for_each(|member| drop(result.remove(*member)));
    }
    serde_jcs::to_vec(value).ok()
}

fn count(method: &str, counts: PartCounts) -> Option<u64> {
    match method {
        "tools/call" => Some(counts.content),
        "prompts/get" => Some(counts.messages),
        "resources/read" => Some(counts.contents),
        _ => None,
    }
}

/// Members of a result that SDKs add, remove or fill in between a handler and the wire, by the protocol revision of the client.
const NOT_CONTENT: [&str; 4] = ["_meta", "resultType", "ttlMs", "cacheScope"];
