//! The actor, from the headers of a proxy that has authenticated its clients.

use auditrail::trail::{Actor, RequestFacts};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::trusted_hops::TrustedHop;

/// Headers in which trusted hops name the client. Values from other peers are forwarded and ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityFields {
    /// The actor, such as `x-auth-request-email`.
    pub actor: HeaderName,
    /// The actor's roles or groups, separated by commas.
    pub roles: Option<HeaderName>,
    /// The actor's tenant.
    pub tenant: Option<HeaderName>,
    /// Whether the hops authenticate clients and remove these headers from their requests. Only then is the identity
    /// recorded as verified; otherwise it is asserted (default: asserted).
    pub authenticated: bool,
}

impl IdentityFields {
    /// Uses that header as the actor, asserted.
    #[must_use]
    pub fn new(actor: HeaderName) -> Self {
        Self { actor, roles: None, tenant: None, authenticated: false }
    }

    /// For [`TrailBuilder::actor`](auditrail::trail::TrailBuilder::actor).
    pub fn extractor(self) -> impl Fn(&RequestFacts<'_>) -> Option<Actor> + Send + Sync + 'static {
        move |request| self.actor_of(request)
    }

    fn actor_of(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        request.extensions?.get::<TrustedHop>()?;
        let headers = request.headers?;
        let id = only(headers, &self.actor)?;
        let mut actor = if self.authenticated { Actor::verified(id) } else { Actor::asserted(id) };
        if let Some(roles) = self.roles.as_ref().and_then(|name| only(headers, name)) {
            actor = actor.with_roles(roles.split(',').map(str::trim).filter(|role| !role.is_empty()));
        }
        actor.tenant = self.tenant.as_ref().and_then(|name| only(headers, name)).map(str::to_owned);
        Some(actor)
    }
}

/// If there are two values, one of them is not from the hop, and it is unknown which.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value: &HeaderValue = values.next()?;
    let value = if values.next().is_some() { None } else { value.to_str().ok() };
    value.map(str::trim).filter(|value| !value.is_empty())
}
