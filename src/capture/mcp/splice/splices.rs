//! The edits of the messages of one unit of framing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::edit::{Edit, edited};
use super::injected_trace::InjectedTrace;
use super::object::{Member, Object, behind_value, elements};
use crate::capture::mcp::scan::behind_whitespace;

/// What is to be written into one unit of framing: for each of its messages, in order, what joins it to a trace, if
/// anything does.
#[derive(Debug, Default)]
pub struct Splices {
    messages: Vec<Option<InjectedTrace>>,
    is_batch: bool,
    /// It is unknown which bytes belong to which message.
    is_unclear: bool,
    /// There are more messages than are noted.
    is_too_many: bool,
}

impl Splices {
    /// Notes the next message of the unit, as it was before it was accepted, and what joins it.
    pub fn note(&mut self, is_batch: bool, is_plain: bool, joined: Option<InjectedTrace>) {
        self.is_batch |= is_batch;
        self.is_unclear |= !is_plain;
        self.is_too_many |= self.messages.len() == MOST_MESSAGES;
        if self.is_too_many {
            self.messages = Vec::new();
        } else {
            self.messages.push(joined);
        }
    }

    /// It could not be read completely.
    pub(crate) fn unread(&mut self) {
        self.is_unclear = true;
    }

    /// Whether it stays unchanged only because it contains too many messages.
    pub fn is_too_many(&self) -> bool {
        self.is_too_many
    }

    /// What joins the only message of the unit.
    pub fn single(&self) -> Option<&InjectedTrace> {
        match self.messages.as_slice() {
            [Some(joined)] if !self.is_batch && !self.is_unclear => Some(joined),
            _ => None,
        }
    }

    /// The bytes of the unit with all edits; `None` if they stay unchanged.
    pub fn apply(&self, unit: &[u8]) -> Option<Vec<u8>> {
        if self.is_unclear || self.is_too_many || !self.messages.iter().any(Option::is_some) {
            return None;
        }
        // A mistake in here must not lose a message.
        let edits = catch_unwind(AssertUnwindSafe(|| self.edits(unit))).ok().flatten()?;
        (!edits.is_empty()).then(|| edited(unit, edits))
    }

    pub(super) fn edits(&self, unit: &[u8]) -> Option<Vec<Edit>> {
        let begin = unit.len() - behind_whitespace(unit).len();
        let (places, end) = match self.is_batch {
            true => elements(unit, begin)?,
            false => (vec![begin], behind_value(unit, begin)?),
        };
        if places.len() != self.messages.len() || !behind_whitespace(unit.get(end..)?).is_empty() {
            return None;
        }
        let joined = places.into_iter().zip(&self.messages).filter_map(|(at, joined)| Some((at, joined.as_ref()?)));
        Some(joined.filter_map(|(at, joined)| of_message(unit, at, joined)).flatten().collect())
    }
}

/// The edits of the message that begins there, in order; `None` if it stays unchanged.
fn of_message(unit: &[u8], at: usize, joined: &InjectedTrace) -> Option<Vec<Edit>> {
    // Those of the envelope are read only to detect duplicates.
    let message = Object::read(unit, at, [PARAMS, "method", "id"])?;
    let traceparent = format!(r#""{TRACEPARENT}":"{}""#, joined.traceparent());
    let [params, ..] = &message.found;
    let Some(params) = params else {
        return Some(vec![message.with(&format!(r#""{PARAMS}":{{"{META}":{{{traceparent}}}}}"#))]);
    };
    let params = Object::read(unit, params.value.start, [META])?;
    let [meta] = &params.found;
    let Some(meta) = meta else {
        return Some(vec![params.with(&format!(r#""{META}":{{{traceparent}}}"#))]);
    };
    let meta = Object::read(unit, meta.value.start, [TRACEPARENT, TRACESTATE])?;
    Some(match &meta.found {
        [None, None] => vec![meta.with(&traceparent)],
        // Its trace does not continue.
        [None, Some(state)] => vec![Edit { bytes: state.key..state.value.end, text: traceparent }],
        [Some(parent), state] => {
            let text = format!(r#""{}""#, joined.traceparent());
            let mut edits = vec![Edit { bytes: parent.value.clone(), text }];
            edits.extend(state.as_ref().filter(|_| !joined.goes_on()).map(Member::removed));
            edits.sort_by_key(|edit| edit.bytes.start);
            edits
        }
    })
}

/// Far more than a sensible batch has.
pub const MOST_MESSAGES: usize = 1024;
const PARAMS: &str = "params";
const META: &str = "_meta";
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
