//! Finds what a call acts on, by the map of targets.

use std::sync::Arc;

use super::trail_core::Core;
use crate::policy::TargetSubject;
use crate::record::{EventName, names};
#[cfg(feature = "layer")]
use crate::trail::calls::CallState;
use crate::trail::calls::{Call, MappedFacts};

impl Core {
    /// Finds the rule of a call that begins, before hooks see it. A rule for a route names the route, unless the framework does.
    pub(in crate::trail) fn map(&self, call: &mut Call) {
        if self.context.targets.is_empty() {
            return;
        }
        let text = |key| call.text(key);
        let Some(mapped) = subject(call.event, text).and_then(|subject| self.context.targets.find(subject)) else {
            return;
        };
        if let Some(route) = mapped.route.clone().filter(|_| call.text(names::HTTP_ROUTE).is_none()) {
            call.message.attributes.set(names::HTTP_ROUTE, route);
        }
        call.mapped = Some(Arc::new(MappedFacts::new(mapped, self.truncator())));
    }

    /// Finds the rule of a call that an annotated span is, once what it names is known.
    #[cfg(feature = "layer")]
    pub(crate) fn map_span(&self, state: &CallState) {
        if self.context.targets.is_empty() {
            return;
        }
        let mut facts = state.facts();
        let text = |key: &str| facts.base.text(key).or_else(|| facts.added.text(key));
        let mapped = subject(state.event(), text).and_then(|subject| self.context.targets.find(subject));
        facts.map(mapped.map(|mapped| Arc::new(MappedFacts::new(mapped, self.truncator()))));
    }
}

fn subject<'a>(event: EventName, text: impl Fn(&'static str) -> Option<&'a str>) -> Option<TargetSubject<'a>> {
    match event {
        EventName::McpToolsCall => text(names::GEN_AI_TOOL_NAME).map(TargetSubject::Tool),
        EventName::McpPromptsGet => text(names::GEN_AI_PROMPT_NAME).map(TargetSubject::Prompt),
        EventName::McpResourcesRead => text(names::MCP_RESOURCE_URI).map(TargetSubject::Resource),
        EventName::HttpRequest => {
            let (method, path) = text(names::HTTP_REQUEST_METHOD).zip(text(names::URL_PATH))?;
            Some(TargetSubject::Route { method, path })
        }
        _ => None,
    }
}
