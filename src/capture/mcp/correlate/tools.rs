//! The definitions of the server's tools, as its lists tell them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::message::ToolDefinition;
use super::hex;
use crate::record::{EventName, names};
use crate::trail::Moment;

/// The digests of the definitions that were seen last.
#[derive(Debug, Default)]
pub(super) struct Tools(HashMap<String, [u8; 32]>);

impl Tools {
    /// Takes a list in, and gives a moment for each definition that is not what it was.
    pub(super) fn learn(&mut self, tools: Vec<ToolDefinition>) -> Vec<Moment> {
        tools.into_iter().filter_map(|tool| self.learn_one(tool)).collect()
    }

    /// The digest of a tool's definition, as it stands in a record.
    pub(super) fn digest(&self, name: &str) -> Option<String> {
        self.0.get(name).map(hex)
    }

    fn learn_one(&mut self, tool: ToolDefinition) -> Option<Moment> {
        let is_full = self.0.len() >= MAX_TOOLS;
        match self.0.entry(tool.name) {
            Entry::Occupied(mut known) if *known.get() != tool.digest => {
                let previous = known.insert(tool.digest);
                Some(changed(known.key(), &previous, &tool.digest))
            }
            Entry::Vacant(new) if !is_full => {
                new.insert(tool.digest);
                None
            }
            _ => None,
        }
    }
}

fn changed(name: &str, previous: &[u8; 32], now: &[u8; 32]) -> Moment {
    Moment::new(EventName::McpToolDefinition)
        .attribute(names::GEN_AI_TOOL_NAME, name.to_owned())
        .attribute(names::AUDIT_ACTION, "UPDATE")
        .own(names::AUDITRAIL_MCP_TOOL_DIGEST, hex(now))
        .own(names::AUDITRAIL_MCP_TOOL_PREVIOUS_DIGEST, hex(previous))
}

/// More tools than a model can choose from.
const MAX_TOOLS: usize = 10_000;
