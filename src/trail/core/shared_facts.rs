//! Facts that many calls share.

use std::sync::Arc;

use super::trail_core::Core;
use crate::record::Attributes;
use crate::trail::calls::Facts;
use crate::trail::identity::Client;

impl Core {
    /// Such facts where there are so many calls that the whole of them would cost too much.
    pub(crate) fn in_brief(&self, whole: &Arc<Facts>) -> Arc<Facts> {
        if whole.base.longest() <= BRIEF {
            return whole.clone();
        }
        let (mut base, mut truncations) = (whole.base.clone(), whole.truncations.clone());
        // What was cut before keeps the length and the digest that it had.
        let more = self.recorder.truncator.at_most(BRIEF).limit(&mut base);
        truncations.take_over(&more, |_| true);
        base.shrink();
        Arc::new(Facts { client: whole.client.clone(), ..Facts::of(base, truncations) })
    }

    /// Facts that many calls have in common, within the limits: those that are there, and more.
    pub(crate) fn shared(&self, known: &Facts, more: &Attributes, client: Option<Arc<Client>>) -> Arc<Facts> {
        let (mut attributes, mut truncations) = (known.base.clone(), known.truncations.clone());
        attributes.take_over(more, |_| true);
        let longest = self.recorder.truncator.limits().shared_bytes;
        if attributes.longest() > longest {
            truncations.take_over(&self.recorder.truncator.at_most(longest).limit(&mut attributes), |_| true);
        }
        // What was cut may have been a hundred times as long.
        attributes.shrink();
        Arc::new(Facts { client, ..Facts::of(attributes, truncations) })
    }
}

/// Enough to recognize a program, an address or an id.
const BRIEF: usize = 64;
