//! What many calls have in common.

use crate::policy::{Cuts, Scissors};
use crate::record::Attributes;

#[cfg(feature = "mcp")]
use std::sync::Arc;

#[cfg(feature = "mcp")]
use super::clients::Client;
#[cfg(feature = "mcp")]
use super::core::Core;
#[cfg(feature = "mcp")]
use super::state::Facts;

#[cfg(feature = "mcp")]
impl Core {
    /// Such facts where there are so many calls that the whole of them would cost too much.
    pub(crate) fn in_brief(&self, whole: &Arc<Facts>) -> Arc<Facts> {
        if whole.base.longest() <= BRIEF {
            return whole.clone();
        }
        let (mut base, mut cuts) = (whole.base.clone(), whole.cuts.clone());
        // What was cut before keeps the length and the digest that it had.
        let more = limit(&self.recorder.scissors.at_most(BRIEF), &mut base);
        cuts.take_over(&more, |_| true);
        base.shrink();
        Arc::new(Facts { client: whole.client.clone(), ..Facts::of(base, cuts) })
    }

    /// Facts that many calls have in common, within the limits: those that are there, and more.
    pub(crate) fn shared(&self, known: &Facts, more: &Attributes, client: Option<Arc<Client>>) -> Arc<Facts> {
        let (mut attributes, mut cuts) = (known.base.clone(), known.cuts.clone());
        attributes.take_over(more, |_| true);
        let longest = self.recorder.scissors.limits().shared_bytes;
        if attributes.longest() > longest {
            cuts.take_over(&limit(&self.recorder.scissors.at_most(longest), &mut attributes), |_| true);
        }
        // What was cut may have been a hundred times as long.
        attributes.shrink();
        Arc::new(Facts { client, ..Facts::of(attributes, cuts) })
    }
}

/// Cuts what is too long, and names it.
pub(super) fn limit(scissors: &Scissors, attributes: &mut Attributes) -> Cuts {
    let mut cuts = Cuts::default();
    attributes.change_longer(scissors.limits().value_bytes, |key, value| {
        let cut = scissors.value(key, value);
        let was_cut = cut.is_some();
        cuts.note(cut);
        was_cut
    });
    cuts
}

/// Enough to recognize a program, an address or an id.
#[cfg(feature = "mcp")]
const BRIEF: usize = 64;
