//! Content on its way to a record: through the redactor of the policy.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::policy::redaction::{Context, Protect, Redacted};
use crate::policy::{Truncation, Truncations};
use crate::record::{Attributes, EventName, names};
use crate::trail::calls::{CallState, Content, ContentBody, ContentKeys, ContentPart, MAX_CONTENT};
use crate::trail::core::Core;

/// Where the content of a call stands, and what rules of redaction call it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ContentNames {
    attribute: &'static str,
    field: &'static str,
}

/// What is said of content beside itself.
#[derive(Debug)]
pub(super) struct Recorded {
    /// Its digest; `None` if it was encrypted, and there is no key for a digest that goes with it.
    pub(super) digest: Option<String>,
    pub(super) cut: Truncations,
}

impl Recorded {
    pub(super) fn of(digest: String) -> Self {
        Self { digest: Some(digest), cut: Truncations::default() }
    }
}

/// The names of that part of a call of that event. `None` if it has no content.
pub(super) fn names_of(event: EventName, part: ContentPart) -> Option<ContentNames> {
    let (attribute, field) = match (event, part) {
        (EventName::McpToolsCall, ContentPart::Arguments) => (names::GEN_AI_TOOL_CALL_ARGUMENTS, ARGUMENTS),
        (EventName::McpToolsCall, ContentPart::Result) => (names::GEN_AI_TOOL_CALL_RESULT, RESULT),
        (EventName::McpPromptsGet, ContentPart::Arguments) => (names::AUDITRAIL_PROMPT_ARGUMENTS, ARGUMENTS),
        (EventName::McpPromptsGet, ContentPart::Result) => (names::AUDITRAIL_PROMPT_RESULT, RESULT),
        (EventName::McpResourcesRead, ContentPart::Result) => (names::AUDITRAIL_RESOURCE_RESULT, RESULT),
        _ => return None,
    };
    Some(ContentNames { attribute, field })
}

impl Core {
    /// Sets the content as it may be recorded, and adds the paths that were redacted.
    pub(super) fn recorded(
        &self,
        state: &CallState,
        content: &Content,
        ContentNames { attribute, field }: ContentNames,
        (said, paths): (&mut Attributes, &mut Vec<String>),
    ) -> Recorded {
        let keys = self.content_keys();
        let digest = keys.digest(content);
        let Some(treated) = state.treated() else { return Recorded::of(digest) };
        let bytes = match &content.body {
            ContentBody::Held(bytes) if bytes.len() <= MAX_CONTENT => bytes,
            _ => return too_long(attribute, content.bytes(), digest),
        };
        let text = |key: &str| state.facts().text_of(key).map(ToOwned::to_owned);
        let [tool, tenant] = [names::GEN_AI_TOOL_NAME, names::AUDITRAIL_TENANT_ID].map(text);
        let context = Context::of(field).tool(tool.as_deref()).tenant(tenant.as_deref());
        let protect = Hashes { keys, encrypted: AtomicBool::new(false) };
        let redacted = treated.by.policy.redactor().redact(bytes, &context, &protect);
        if redacted.text.len() > MAX_RECORDED {
            return too_long(attribute, content.bytes(), digest);
        }
        let Redacted { text, paths: touched, truncated, .. } = redacted;
        said.set(attribute, text);
        let room = MAX_PATHS.saturating_sub(paths.len());
        paths.extend(touched.iter().take(room).map(|path| placed(field, path)));
        let mut cut = Truncations::default();
        if truncated {
            cut.note(Some(Truncation::of(attribute, content.bytes(), digest.clone())));
        }
        Recorded { digest: Some(digest).filter(|_| !protect.encrypted.load(Ordering::Relaxed)), cut }
    }
}

/// It is not recorded.
fn too_long(attribute: &'static str, bytes: u64, digest: String) -> Recorded {
    let mut cut = Truncations::default();
    cut.note(Some(Truncation::of(attribute, bytes, digest.clone())));
    Recorded { digest: Some(digest), cut }
}

/// A path of JSON (`$.a[*]`) in that field: `arguments.a[*]`.
fn placed(field: &str, path: &str) -> String {
    format!("{field}{}", path.strip_prefix('$').unwrap_or(path))
}

/// Protection by the key of digests alone.
#[derive(Debug)]
struct Hashes<'a> {
    keys: &'a ContentKeys,
    encrypted: AtomicBool,
}

impl Protect for Hashes<'_> {
    fn hash(&self, class: &str, value: &[u8]) -> String {
        self.keys.hash(class, value)
    }

    fn pseudonym(&self, _class: &str, _tenant: Option<&str>, _value: &[u8]) -> Option<String> {
        None
    }

    fn encrypt(&self, _subject: &str, _field: &str, _value: &[u8]) -> Option<String> {
        None
    }
}

const ARGUMENTS: &str = "arguments";
const RESULT: &str = "result";
/// Redaction and encryption make content longer, but not as much.
const MAX_RECORDED: usize = 2 * MAX_CONTENT;
/// More paths than anybody reads.
const MAX_PATHS: usize = 256;
