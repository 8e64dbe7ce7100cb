//! What clients claim in `_meta` about who is behind a request. Nothing vouches for it, so it is only ever recorded as claimed
//! (`auditrail.claimed.*`).
//!
//! The specification names no such keys. These are the ones in use: the plain names that MCP clients and gateways write, the
//! subject and the organization of ChatGPT's apps, and the user of Hermes' gateway.

use crate::identity::Claimed;

/// One of the keys that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimedKey(u8);

/// The values of the keys that are read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ClaimedTexts(Option<Box<[Option<String>; KEYS.len()]>>);

impl ClaimedKey {
    /// The key of that name.
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        let index = KEYS.iter().position(|(key, _)| key.as_bytes() == name)?;
        u8::try_from(index).ok().map(Self)
    }
}

impl ClaimedTexts {
    /// The place of the value of a key, if there may be one.
    pub(crate) fn text(&mut self, key: ClaimedKey) -> Option<&mut Option<String>> {
        self.0.get_or_insert_default().get_mut(usize::from(key.0))
    }

    /// Discards the value of a key.
    pub(crate) fn forget(&mut self, key: ClaimedKey) {
        if let Some(text) = self.0.as_mut().and_then(|texts| texts.get_mut(usize::from(key.0))) {
            *text = None;
        }
    }

    /// What they claim together.
    pub(crate) fn claimed(self) -> Option<Box<Claimed>> {
        let texts = self.0?;
        claimed(texts.into_iter())
    }
}

/// What a client claims, by the values of all keys.
#[cfg(feature = "rmcp")]
pub(crate) fn claimed_by<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Option<Box<Claimed>> {
    claimed(KEYS.iter().map(|(key, _)| value(key).map(str::to_owned)))
}

fn claimed(texts: impl Iterator<Item = Option<String>>) -> Option<Box<Claimed>> {
    let mut claimed = Claimed::default();
    for (text, (_, place)) in texts.zip(KEYS) {
        let place = place(&mut claimed);
        *place = place.take().or(text.filter(|text| !text.is_empty()));
    }
    (claimed != Claimed::default()).then(|| Box::new(claimed))
}

type ClaimedPlace = fn(&mut Claimed) -> &mut Option<String>;

/// Of several keys for one fact, the first counts.
const KEYS: [(&str, ClaimedPlace); 11] = [
    ("userId", |claimed| &mut claimed.actor_id),
    ("user_id", |claimed| &mut claimed.actor_id),
    ("openai/subject", |claimed| &mut claimed.actor_id),
    ("nousresearch.hermes/user_id", |claimed| &mut claimed.actor_id),
    ("agentId", |claimed| &mut claimed.agent_id),
    ("agent_id", |claimed| &mut claimed.agent_id),
    ("tenantId", |claimed| &mut claimed.tenant_id),
    ("tenant_id", |claimed| &mut claimed.tenant_id),
    ("openai/organization", |claimed| &mut claimed.tenant_id),
    ("purpose", |claimed| &mut claimed.purpose),
    ("reason", |claimed| &mut claimed.reason),
];
