//! What many calls have in common.

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
        let (mut base, mut cuts) = (whole.base.clone(), whole.cuts.clone());
        // What was cut before keeps the length and the digest that it had.
        let more = self.recorder.truncator.at_most(BRIEF).limit(&mut base);
        cuts.take_over(&more, |_| true);
        base.shrink();
        Arc::new(Facts { client: whole.client.clone(), ..Facts::of(base, cuts) })
    }

    /// Facts that many calls have in common, within the limits: those that are there, and more.
    pub(crate) fn shared(&self, known: &Facts, more: &Attributes, client: Option<Arc<Client>>) -> Arc<Facts> {
        let (mut attributes, mut cuts) = (known.base.clone(), known.cuts.clone());
        attributes.take_over(more, |_| true);
        let longest = self.recorder.truncator.limits().shared_bytes;
        if attributes.longest() > longest {
            cuts.take_over(&self.recorder.truncator.at_most(longest).limit(&mut attributes), |_| true);
        }
        // What was cut may have been a hundred times as long.
        attributes.shrink();
        Arc::new(Facts { client, ..Facts::of(attributes, cuts) })
    }
}

/// Enough to recognize a program, an address or an id.
const BRIEF: usize = 64;
