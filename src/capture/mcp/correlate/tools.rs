//! The definitions of the server's tools, from its lists.
//!
//! Invariant: a definition is new once, however many sessions list it and in whatever order. Definitions are
//! recognized by digest, and the last [`MAX_DEFINITIONS`] are remembered.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::message::{CanonicalDefinition, ToolDefinition};
use super::super::recent::Recent;
use crate::hex::hex;
use crate::record::{EventName, names};
use crate::trail::{MessageFacts, Moment, ToolHints};

/// The definitions that were seen.
#[derive(Debug)]
pub(super) struct KnownTools {
    /// The most recent definition of each name.
    last: HashMap<String, LastDefinition>,
    seen: Recent<[u8; 32], ()>,
}

#[derive(Debug, Clone, Copy)]
struct LastDefinition {
    digest: [u8; 32],
    hints: ToolHints,
}

/// A definition that was not seen before.
#[derive(Debug)]
pub(super) struct NewTool {
    definition: ToolDefinition,
    /// The previous definition under its name.
    previous: Option<[u8; 32]>,
}

impl Default for KnownTools {
    fn default() -> Self {
        Self { last: HashMap::new(), seen: Recent::of_at_most(MAX_DEFINITIONS) }
    }
}

impl KnownTools {
    /// Accepts a list, and returns the new definitions.
    pub(super) fn learn(&mut self, tools: Vec<ToolDefinition>) -> Vec<NewTool> {
        tools.into_iter().filter_map(|tool| self.learn_one(tool)).collect()
    }

    /// The digest of a tool's definition, as it is written in a record.
    pub(super) fn digest(&self, name: &str) -> Option<String> {
        self.last.get(name).map(|last| hex(&last.digest))
    }

    /// What the server says of a tool; nothing before it has listed it.
    pub(super) fn hints(&self, name: &str) -> ToolHints {
        self.last.get(name).map(|last| last.hints).unwrap_or_default()
    }

    fn learn_one(&mut self, definition: ToolDefinition) -> Option<NewTool> {
        let is_full = self.last.len() >= MAX_TOOLS;
        let last = LastDefinition { digest: definition.digest, hints: definition.hints };
        let previous = match self.last.entry(definition.name.clone()) {
            Entry::Occupied(mut known) => Some(known.insert(last).digest),
            Entry::Vacant(new) if !is_full => {
                new.insert(last);
                None
            }
            Entry::Vacant(_) => None,
        };
        if self.seen.contains(&definition.digest) {
            return None;
        }
        self.seen.insert(definition.digest, ());
        Some(NewTool { definition, previous })
    }
}

impl NewTool {
    /// Its record, with the facts of the list in which it came.
    pub(super) fn moment(self, listed: MessageFacts) -> Moment {
        let Self { definition: ToolDefinition { name, digest, canonical, .. }, previous } = self;
        let moment = Moment::of_message(EventName::McpToolDefinition, listed)
            .attribute(names::GEN_AI_TOOL_NAME, name)
            .attribute(names::AUDIT_ACTION, if previous.is_some() { "UPDATE" } else { "CREATE" })
            .own(names::AUDITRAIL_MCP_TOOL_DIGEST, hex(&digest));
        let moment = match canonical {
            Some(CanonicalDefinition { text, cut }) => moment.own_cut(names::AUDITRAIL_MCP_TOOL_DEFINITION, text, cut),
            None => moment,
        };
        match previous {
            Some(previous) => moment.own(names::AUDITRAIL_MCP_TOOL_PREVIOUS_DIGEST, hex(&previous)),
            None => moment,
        }
    }
}

/// More tools than a model can choose from.
const MAX_TOOLS: usize = 10_000;
/// As many again for each of several users with different tools.
const MAX_DEFINITIONS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_oldest_is_forgotten_first() {
        let mut tools = KnownTools::default();
        let tool = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_le_bytes());
            vec![ToolDefinition { name: "a".into(), digest, canonical: None, hints: ToolHints::default() }]
        };
        for number in 0..=MAX_DEFINITIONS {
            assert_eq!(tools.learn(tool(number)).len(), 1);
        }
        assert_eq!((tools.seen.len(), tools.last.len()), (MAX_DEFINITIONS, 1));
        assert_eq!(tools.learn(tool(1)).len(), 0, "the second is known");
        assert_eq!(tools.learn(tool(0)).len(), 1, "the first was forgotten");
    }
}
