//! The claims that middleware has verified and left in the extensions of the request.

use super::actor::Actor;
use super::extractor::Extractor;
use super::request::RequestFacts;

/// What authentication middleware has found out about the sender of an HTTP request. It inserts this as an extension of the
/// request; every trail looks for it, before it asks any other extractor.
///
/// ```
/// # use auditrail::identity::{Actor, VerifiedClaims};
/// # fn authenticated(request: &mut http::Request<()>) {
/// let alice = Actor::verified("alice").with_roles(["operator"]);
/// request.extensions_mut().insert(VerifiedClaims::of("my-oidc-middleware", alice));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedClaims {
    middleware: &'static str,
    actor: Actor,
}

impl VerifiedClaims {
    /// The actor as that middleware has verified it; the name becomes `auditrail.actor.source`.
    #[must_use]
    pub fn of(middleware: &'static str, actor: Actor) -> Self {
        Self { middleware, actor }
    }
}

/// Finds [`VerifiedClaims`].
#[derive(Debug)]
pub(crate) struct Claims;

impl Extractor for Claims {
    fn source(&self) -> &'static str {
        "claims"
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        let VerifiedClaims { middleware, actor } = request.extensions?.get()?;
        Some(Actor { source: Some((*middleware).into()), ..actor.clone() })
    }

    /// Whether there is such middleware shows when it says something.
    fn can_verify(&self) -> bool {
        false
    }
}
