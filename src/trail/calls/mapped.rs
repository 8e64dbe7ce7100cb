//! What the map of targets says of a call.

use crate::policy::{MappedTarget, Truncations, Truncator};
use crate::record::{Attributes, Value, names};

/// The facts of a rule of the map. They are defaults: whoever knows the call better sets others.
#[derive(Debug)]
pub(crate) struct MappedFacts {
    /// Type and id.
    pub(in crate::trail) target: Attributes,
    /// The actions, as an attribute.
    pub(in crate::trail) required: Attributes,
    pub(in crate::trail) actions: Vec<String>,
    pub(in crate::trail) truncations: Truncations,
}

impl MappedFacts {
    pub(in crate::trail) fn new(mapped: MappedTarget, truncator: &Truncator) -> Self {
        let (mut target, mut required) = (Attributes::default(), Attributes::default());
        target.set_some(names::AUDIT_TARGET_TYPE, mapped.kind);
        target.set_some(names::AUDIT_TARGET_ID, mapped.id);
        let truncations = truncator.limit(&mut target);
        let actions = Some(mapped.actions.clone()).filter(|actions| !actions.is_empty());
        required.set_some(names::AUDITRAIL_TARGET_ACTIONS, actions.map(Value::from));
        Self { target, required, actions: mapped.actions, truncations }
    }

    /// The bytes that they take on a record.
    pub(in crate::trail) fn bytes(&self) -> usize {
        self.target.bytes() + self.required.bytes()
    }
}
