//! The actor of a call.

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
        attributes.set(names::AUDIT_ACTOR_ID, self.id);
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
    }
}

fn some(items: Vec<String>) -> Option<Value> {
    (!items.is_empty()).then(|| Value::strings(items))
}

/// The input of an actor extractor: the method, and the HTTP request that carried the message, if there was one.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct RequestFacts<'a> {
    /// The method of the MCP message.
    pub method: &'a str,
    /// HTTP headers. Their values are asserted by the client, not verified.
    pub headers: Option<&'a http::HeaderMap>,
    /// HTTP extensions, where authentication middleware stores the claims it has verified.
    pub extensions: Option<&'a http::Extensions>,
}
