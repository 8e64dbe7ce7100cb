//! The definitions of tools in an answer. The bytes of one definition at a time are held, for a digest.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::text::TextPrefix;
use crate::capture::mcp::message::{CanonicalDefinition, MAX_TEXT, MAX_TOOL, MAX_TOOLS, ScanOptions, ToolDefinition};
use crate::record::names;
use crate::trail::{MAX_DEFINITION, ToolHints};

/// The definitions of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolDefinitions {
    definitions: Vec<ToolDefinition>,
    looked_at: usize,
    /// The bytes of the definition that is being read.
    raw: Vec<u8>,
    is_open: bool,
    is_too_long: bool,
    /// The bytes of canonical forms that are held.
    kept: usize,
}

impl ToolDefinitions {
    pub(crate) fn clear(&mut self) {
        self.definitions.clear();
        (self.looked_at, self.is_open, self.kept) = (0, false, 0);
    }

    /// Another element begins. Returns whether it is read.
    pub(crate) fn begin(&mut self) -> bool {
        self.is_open = self.looked_at < MAX_TOOLS;
        self.looked_at += usize::from(self.is_open);
        self.raw.clear();
        self.raw.push(b'{');
        self.is_too_long = false;
        self.is_open
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.is_too_long |= self.raw.len() + bytes.len() > MAX_TOOL;
        if !self.is_too_long {
            self.raw.extend_from_slice(bytes);
        }
    }

    pub(crate) fn end(&mut self, reading: &ScanOptions) {
        self.is_open = false;
        if !self.is_too_long {
            let room = MAX_DEFINITION.min(MAX_KEPT - self.kept);
            let definition = definition(&self.raw, reading, room);
            let kept = definition.as_ref().and_then(|definition| definition.canonical.as_ref());
            self.kept += kept.map_or(0, |canonical| canonical.text.len());
            self.definitions.extend(definition);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<ToolDefinition> {
        (self.looked_at, self.is_open, self.kept) = (0, false, 0);
        std::mem::take(&mut self.definitions)
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.kept + self.raw.capacity() + self.definitions.capacity() * size_of::<ToolDefinition>()
    }
}

/// `None` without a name, or if serde_json refuses it, which has its own limits for nesting and numbers.
fn definition(raw: &[u8], reading: &ScanOptions, room: usize) -> Option<ToolDefinition> {
    let value: Value = serde_json::from_str(&String::from_utf8_lossy(raw)).ok()?;
    let mut name = TextPrefix::default();
    name.push(value.get("name")?.as_str()?, MAX_TEXT);
    let canonical = serde_jcs::to_vec(&value).ok()?;
    let digest = Sha256::digest(&canonical).into();
    let canonical = reading.definitions.as_ref().and_then(|truncator| {
        let key = names::AUDITRAIL_MCP_TOOL_DEFINITION.into();
        let (text, cut) = truncator.text_of_at_most(room, &key, String::from_utf8(canonical).ok()?);
        Some(CanonicalDefinition { text, cut })
    });
    Some(ToolDefinition { name: name.text().into(), digest, canonical, hints: hints(&value) })
}

fn hints(definition: &Value) -> ToolHints {
    let hint = |name: &str| definition.get("annotations")?.get(name)?.as_bool();
    ToolHints {
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
        idempotent: hint("idempotentHint"),
        open_world: hint("openWorldHint"),
    }
}

/// How many bytes of canonical forms are kept of one message; those beyond are cut to nothing.
const MAX_KEPT: usize = 1 << 20;
