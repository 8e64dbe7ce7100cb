//! Who acts, for whom and through what, as an extractor found it.

use std::borrow::Cow;

use crate::record::{Attributes, Value, names};

/// `audit.actor.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ActorType {
    /// A person.
    #[default]
    User,
    /// A program with an identity of its own.
    Service,
    /// The system itself.
    System,
}

/// The actor, as an extractor found it. Never put a credential in here: every field is written to the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Actor {
    /// `audit.actor.id`.
    pub id: String,
    /// `audit.actor.type`.
    pub kind: ActorType,
    /// `auditrail.actor.verified`: whether the identity was verified, or is only asserted.
    pub verified: bool,
    /// `auditrail.actor.auth_type`, such as `oauth2` or `mtls`.
    pub auth_type: Option<Cow<'static, str>>,
    /// `user.name`.
    pub name: Option<String>,
    /// `user.roles`.
    pub roles: Vec<String>,
    /// `auditrail.oauth.client_id`.
    pub client_id: Option<String>,
    /// `auditrail.oauth.scopes`.
    pub scopes: Vec<String>,
    /// `auditrail.tenant.id`.
    pub tenant: Option<String>,
    /// `user.id`, if it differs from the actor.
    pub user_id: Option<String>,
    /// `auditrail.actor.source`: the extractor that found it.
    pub source: Option<Cow<'static, str>>,
    /// `auditrail.actor.unverified_reason`: why a credential that was presented did not verify it.
    pub unverified: Option<UnverifiedReason>,
    /// The agent that acts for the actor.
    pub agent: Agent,
    /// `auditrail.actor.delegation`: who acts for the actor, the outermost first (the `act` claims of RFC 8693).
    pub delegation: Vec<String>,
    /// The token that was presented, without the token.
    pub token: TokenFacts,
    /// What the client only claims.
    pub claimed: Claimed,
}

/// An agent that acts for somebody: `gen_ai.agent.*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Agent {
    /// `gen_ai.agent.id`.
    pub id: Option<String>,
    /// `gen_ai.agent.name`.
    pub name: Option<String>,
}

/// What is recorded of a token: `auditrail.token.*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenFacts {
    /// `auditrail.token.id_digest`: the keyed digest of its id.
    pub id_digest: Option<String>,
    /// `auditrail.token.issuer`.
    pub issuer: Option<String>,
    /// `auditrail.token.key_thumbprint`: the key that its holder must prove to have (`cnf.jkt`, RFC 9449).
    pub key_thumbprint: Option<String>,
    /// `auditrail.token.grant`: the grant by which it was issued, if it says so.
    pub grant: Option<String>,
}

/// What the client claims in `_meta` or in a credential that is not valid: `auditrail.claimed.*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// `auditrail.claimed.actor_id`.
    pub actor_id: Option<String>,
    /// `auditrail.claimed.agent_id`.
    pub agent_id: Option<String>,
    /// `auditrail.claimed.tenant_id`.
    pub tenant_id: Option<String>,
    /// `auditrail.claimed.purpose`.
    pub purpose: Option<String>,
    /// `auditrail.claimed.reason`.
    pub reason: Option<String>,
}

/// Why a credential that was presented did not verify the actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnverifiedReason {
    /// It cannot be read.
    Malformed,
    /// Its signature does not fit the key.
    Signature,
    /// Its algorithm is none of those that are accepted.
    Algorithm,
    /// The issuer has no such key.
    KeyUnknown,
    /// The keys of the issuer are not known at the moment.
    KeyUnavailable,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for another audience.
    Audience,
    /// It is of another issuer.
    Issuer,
    /// It is a token for another use, by its type.
    TokenType,
    /// It lacks a claim that is required.
    MissingClaim,
    /// The issuer has revoked it or does not know it.
    Rejected,
    /// There were several, and it is unknown which one counts.
    Several,
    /// The extractor failed, so nobody knows whether it is valid.
    ExtractorFailed,
}

impl UnverifiedReason {
    /// The value on the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Algorithm => "algorithm",
            Self::KeyUnknown => "key_unknown",
            Self::KeyUnavailable => "key_unavailable",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::TokenType => "token_type",
            Self::MissingClaim => "missing_claim",
            Self::Rejected => "rejected",
            Self::Several => "several",
            Self::ExtractorFailed => "extractor_failed",
        }
    }
}

impl Actor {
    /// An identity that the client claims; not verified.
    pub fn asserted(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// A verified identity.
    pub fn verified(id: impl Into<String>) -> Self {
        Self { verified: true, ..Self::asserted(id) }
    }

    /// An actor that is not known, because the credential that was presented does not verify it. Its id is `anonymous`; what an
    /// invalid credential says belongs into [`claimed`](Self::claimed).
    #[must_use]
    pub fn unknown(reason: UnverifiedReason) -> Self {
        Self { unverified: Some(reason), ..Self::asserted(ANONYMOUS) }
    }

    /// Marks the actor as a service rather than a person.
    #[must_use]
    pub fn service(mut self) -> Self {
        self.kind = ActorType::Service;
        self
    }

    /// Sets the roles.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn write(self, attributes: &mut Attributes) {
        let id = if self.id.is_empty() { ANONYMOUS.to_owned() } else { self.id };
        attributes.set(names::AUDIT_ACTOR_ID, id);
        attributes.set(
            names::AUDIT_ACTOR_TYPE,
            match self.kind {
                ActorType::User => "user",
                ActorType::Service => "service",
                ActorType::System => "system",
            },
        );
        attributes.set(names::AUDITRAIL_ACTOR_VERIFIED, self.verified);
        attributes.set_some(names::AUDITRAIL_ACTOR_AUTH_TYPE, self.auth_type);
        attributes.set_some(names::USER_NAME, self.name);
        attributes.set_some(names::USER_ROLES, some(self.roles));
        attributes.set_some(names::AUDITRAIL_OAUTH_CLIENT_ID, self.client_id);
        attributes.set_some(names::AUDITRAIL_OAUTH_SCOPES, some(self.scopes));
        attributes.set_some(names::AUDITRAIL_TENANT_ID, self.tenant);
        attributes.set_some(names::USER_ID, self.user_id);
        attributes.set(names::AUDITRAIL_ACTOR_SOURCE, self.source.unwrap_or(Cow::Borrowed(CODE)));
        attributes.set_some(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON, self.unverified.map(UnverifiedReason::as_str));
        attributes.set_some(names::AUDITRAIL_ACTOR_DELEGATION, some(self.delegation));
        self.agent.write(attributes);
        self.token.write(attributes);
        self.claimed.write(attributes);
    }
}

impl Agent {
    fn write(self, attributes: &mut Attributes) {
        attributes.set_some(names::GEN_AI_AGENT_ID, self.id);
        attributes.set_some(names::GEN_AI_AGENT_NAME, self.name);
    }
}

impl TokenFacts {
    fn write(self, attributes: &mut Attributes) {
        attributes.set_some(names::AUDITRAIL_TOKEN_ID_DIGEST, self.id_digest);
        attributes.set_some(names::AUDITRAIL_TOKEN_ISSUER, self.issuer);
        attributes.set_some(names::AUDITRAIL_TOKEN_KEY_THUMBPRINT, self.key_thumbprint);
        attributes.set_some(names::AUDITRAIL_TOKEN_GRANT, self.grant);
    }
}

impl Claimed {
    pub(crate) fn write(self, attributes: &mut Attributes) {
        attributes.set_some(names::AUDITRAIL_CLAIMED_ACTOR_ID, self.actor_id);
        attributes.set_some(names::AUDITRAIL_CLAIMED_AGENT_ID, self.agent_id);
        attributes.set_some(names::AUDITRAIL_CLAIMED_TENANT_ID, self.tenant_id);
        attributes.set_some(names::AUDITRAIL_CLAIMED_PURPOSE, self.purpose);
        attributes.set_some(names::AUDITRAIL_CLAIMED_REASON, self.reason);
    }
}

fn some(items: Vec<String>) -> Option<Value> {
    (!items.is_empty()).then(|| Value::strings(items))
}

/// `auditrail.actor.source` of an actor that the user's own code names.
pub(crate) const CODE: &str = "code";
/// `audit.actor.id` of somebody who is not known.
pub(super) const ANONYMOUS: &str = "anonymous";
