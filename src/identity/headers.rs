//! The actor, from the headers of a trusted hop that has authenticated its clients.
//!
//! Invariant: nothing is read unless the request comes from a trusted hop.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::actor::{Actor, UnverifiedReason};
use super::extractor::Extractor;
use super::request::RequestFacts;

/// Headers in which [trusted hops](super::TrustedHops) name the client. Values from other peers are ignored.
///
/// ```
/// # use auditrail::identity::{IdentityFields, TrustedHops};
/// let mut fields = IdentityFields::new("x-auth-request-email".parse().unwrap());
/// fields.authenticated = true;
/// let hops = TrustedHops { networks: vec!["10.0.0.0/8".parse().unwrap()], ..TrustedHops::default() };
/// let builder = auditrail::Trail::builder("weather").trusted_hops(hops).identify(fields);
/// ```
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
}

impl Extractor for IdentityFields {
    fn source(&self) -> &'static str {
        "headers"
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        let headers = request.headers.filter(|_| request.from_trusted_hop)?;
        let id = match only(headers, &self.actor)? {
            Ok(id) => id,
            Err(reason) => return Some(Actor::unknown(reason)),
        };
        let mut actor = if self.authenticated { Actor::verified(id) } else { Actor::asserted(id) };
        let other = |name: &Option<HeaderName>| name.as_ref().and_then(|name| only(headers, name)?.ok());
        if let Some(roles) = other(&self.roles) {
            let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty());
            actor = actor.with_roles(roles.take(MOST_ROLES));
        }
        actor.tenant = other(&self.tenant).map(str::to_owned);
        Some(actor)
    }

    fn can_verify(&self) -> bool {
        self.authenticated
    }
}

/// The value of a header, if it has one. If there are two, one of them is not from the hop, and it is unknown which.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Result<&'a str, UnverifiedReason>> {
    let mut values = headers.get_all(name).iter();
    let value: &HeaderValue = values.next()?;
    if values.next().is_some() {
        return Some(Err(UnverifiedReason::Several));
    }
    match value.to_str().map(str::trim) {
        Ok("") => None,
        Ok(value) => Some(Ok(value)),
        Err(_) => Some(Err(UnverifiedReason::Malformed)),
    }
}

/// More than anybody has; a header may have more.
const MOST_ROLES: usize = 64;
