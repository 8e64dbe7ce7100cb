//! What is known of a call: what capture has set, and what spans inside the call have added.

use std::sync::Arc;

use super::mapped::MappedFacts;
use crate::identity::ACTOR_KEYS;
#[cfg(feature = "layer")]
use crate::identity::Actor;
use crate::policy::Truncations;
#[cfg(feature = "layer")]
use crate::policy::Truncator;
#[cfg(any(feature = "layer", feature = "rmcp"))]
use crate::record::Place;
use crate::record::{Attributes, names};
#[cfg(feature = "layer")]
use crate::record::{Given, Key, Name, Scalar};
use crate::trail::identity::Client;

/// What a record of the call says of it.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// What capture knows of many calls, held once. None of it has a [`Place`].
    pub(in crate::trail) shared: Option<Arc<Facts>>,
    pub(in crate::trail) base: Attributes,
    pub(in crate::trail) added: Attributes,
    /// What the map of targets says, as far as nobody says it better.
    pub(in crate::trail) mapped: Option<Arc<MappedFacts>>,
    pub(in crate::trail) truncations: Truncations,
    /// Who asks, of what is shared.
    pub(in crate::trail) client: Option<Arc<Client>>,
}

impl Facts {
    /// What is within the limits already.
    #[cfg(feature = "mcp")]
    pub(crate) fn of(base: Attributes, truncations: Truncations) -> Self {
        Self { base, truncations, ..Self::default() }
    }

    /// What capture has set of a call, some of it of many calls.
    pub(crate) fn of_call(base: Attributes, mut truncations: Truncations, shared: Option<Arc<Self>>) -> Self {
        if let Some(shared) = &shared {
            truncations.take_over(&shared.truncations, |_| true);
        }
        Self { shared, base, truncations, ..Self::default() }
    }

    /// Without what somebody else says himself.
    #[cfg(feature = "mcp")]
    pub(in crate::trail) fn but(&self, said: &Attributes) -> Self {
        let (mut base, mut truncations) = (Attributes::default(), Truncations::default());
        base.take_over(&self.base, |key| !said.contains(key));
        truncations.take_over(&self.truncations, |key| !said.contains(key));
        Self { client: self.client.clone(), ..Self::of(base, truncations) }
    }

    /// What the map of targets says.
    pub(in crate::trail) fn map(&mut self, mapped: Option<Arc<MappedFacts>>) {
        if let Some(mapped) = &mapped {
            self.truncations.take_over(&mapped.truncations, |_| true);
        }
        self.mapped = mapped;
    }

    /// The value of a string attribute.
    pub(in crate::trail) fn text_of(&self, key: &str) -> Option<&str> {
        let shared = || self.shared.as_ref().and_then(|shared| shared.base.text(key));
        self.base.text(key).or_else(|| self.added.text(key)).or_else(shared)
    }

    /// The value of a string attribute that capture has set.
    pub(in crate::trail) fn captured_text(&self, key: &str) -> Option<&str> {
        self.base.text(key).or_else(|| self.shared.as_ref()?.base.text(key))
    }

    /// The bytes that what capture knows takes on a record.
    #[cfg(feature = "mcp")]
    pub(crate) fn bytes_of_base(&self) -> usize {
        self.base.bytes()
    }

    /// Whether capture has set it.
    #[inline]
    pub(in crate::trail) fn is_captured(&self, key: &str) -> bool {
        self.base.contains(key) || self.shared.as_ref().is_some_and(|shared| shared.base.contains(key))
    }

    /// Sets a fact of capture's own.
    #[cfg(feature = "layer")]
    pub(crate) fn set(&mut self, truncator: &Truncator, key: &Key, given: Given<'_>) {
        let given = self.limited(truncator, key, given);
        self.added.remove(key);
        self.base.put(key, given);
    }

    /// As [`set`](Self::set), where no fact of that key can be there.
    #[cfg(feature = "layer")]
    pub(crate) fn append(&mut self, truncator: &Truncator, name: &Name, given: Given<'_>) {
        let given = self.limited(truncator, name.key(), given);
        self.base.append(name, given);
    }

    /// As [`append`](Self::append), of a text.
    #[inline]
    #[cfg(feature = "layer")]
    pub(crate) fn append_text(&mut self, truncator: &Truncator, name: &Name, text: &str) {
        let text = if truncator.is_too_long(text) { self.cut(truncator, name.key(), text) } else { text };
        self.base.append_text(name, text);
    }

    /// Adds a fact that a span inside the call knows.
    #[cfg(feature = "layer")]
    pub(crate) fn enrich(&mut self, truncator: &Truncator, key: &Key, given: Given<'_>) {
        if !self.is_captured(key) {
            let given = self.limited(truncator, key, given);
            self.added.put(key, given);
        }
    }

    /// Sets the actor that the extractors of the trail have found.
    #[cfg(feature = "layer")]
    pub(crate) fn identify(&mut self, truncator: &Truncator, actor: Actor) {
        let mut found = Attributes::default();
        actor.write(&mut found);
        self.truncations.take_over(&truncator.limit(&mut found), |_| true);
        for (key, value) in found.iter() {
            self.base.set(key.to_owned(), value);
        }
    }

    /// Takes all facts out, for a moment's record.
    #[cfg(feature = "layer")]
    pub(crate) fn take_all(&mut self) -> Attributes {
        let mut all = std::mem::take(&mut self.base);
        all.take_over(&self.added, |_| true);
        self.truncations.write(&mut all);
        all
    }

    /// Takes the actor and the tenant of the call around a moment, unless it has its own.
    #[cfg(feature = "layer")]
    pub(crate) fn borrow_actor(&mut self, lent: &Attributes, cut: &Truncations) {
        let has_actor = self.has(Place::ActorId);
        let is_wanted = |key: &str| key == names::AUDITRAIL_TENANT_ID || !has_actor;
        let Self { base, added, truncations, .. } = self;
        let own: Vec<String> = added.iter().map(|(key, _)| key.to_owned()).collect();
        let is_new = |key: &str| is_wanted(key) && !base.contains(key) && !own.iter().any(|own| own == key);
        added.take_over(lent, is_new);
        truncations.take_over(cut, |key| is_new(key));
    }

    /// Gives an event inside the call the actor and the tenant of the call, unless it has its own. An actor is never mixed of
    /// two: one that is only named would become the verified one of the call.
    pub(crate) fn lend_actor(&self, to: &mut Attributes, cut: &mut Truncations) {
        let has_actor = to.contains(names::AUDIT_ACTOR_ID);
        let has_token = to.contains(names::AUDITRAIL_TOKEN_ID_DIGEST);
        let is_tenant = |key: &str| matches!(key, names::AUDITRAIL_TENANT_ID | names::AUDITRAIL_CLAIMED_TENANT_ID);
        let is_of_actor =
            |key: &str| !has_actor && ACTOR_KEYS.contains(&key) && !(has_token && key.starts_with("auditrail.token."));
        let own: Vec<String> = to.iter().map(|(key, _)| key.to_owned()).collect();
        let is_lent = |key: &str| (is_tenant(key) || is_of_actor(key)) && !own.iter().any(|own| own == key);
        let shared = self.shared.as_deref();
        for attributes in shared.map(|shared| &shared.base).into_iter().chain([&self.base, &self.added]) {
            to.take_over(attributes, is_lent);
        }
        cut.take_over(&self.truncations, |key| is_lent(key));
    }

    /// Who asks.
    #[inline]
    pub(in crate::trail) fn client(&self) -> Option<Arc<Client>> {
        self.shared.as_ref()?.client.clone()
    }

    /// Whether the fact is known.
    #[cfg(any(feature = "layer", feature = "rmcp"))]
    pub(crate) fn has(&self, place: Place) -> bool {
        self.base.has(place) || self.added.has(place)
    }

    /// The bytes of a string fact.
    #[cfg(feature = "layer")]
    pub(crate) fn bytes(&self, place: Place) -> Option<&[u8]> {
        self.base.bytes_at(place).or_else(|| self.added.bytes_at(place))
    }

    /// A string fact.
    #[cfg(feature = "layer")]
    pub(crate) fn text(&self, place: Place) -> Option<&str> {
        self.base.text_at(place).or_else(|| self.added.text_at(place))
    }

    #[inline]
    #[cfg(feature = "layer")]
    fn limited<'a>(&mut self, truncator: &Truncator, key: &Key, given: Given<'a>) -> Given<'a> {
        match given.scalar {
            Scalar::Str(text) if truncator.is_too_long(text) => {
                Given { scalar: Scalar::Str(self.cut(truncator, key, text)), ..given }
            }
            _ => given,
        }
    }

    #[cold]
    #[cfg(feature = "layer")]
    fn cut<'a>(&mut self, truncator: &Truncator, key: &Key, text: &'a str) -> &'a str {
        let (kept, cut) = truncator.text(key, text);
        self.truncations.note(cut);
        kept
    }

    #[inline]
    #[cfg(feature = "layer")]
    pub(super) fn clear(&mut self) {
        self.shared = None;
        self.mapped = None;
        self.base.clear();
        self.added.clear();
        self.truncations.clear();
    }
}
