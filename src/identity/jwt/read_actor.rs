//! The actor of a token.
//!
//! Invariants:
//! 1. `auditrail.actor.verified` is true only if every check has passed.
//! 2. If the signature is wrong, or cannot be right, nobody is named: anybody could have written the token. What it says is a
//!    claim.
//! 3. If the signature could not be checked yet, the subject is named and nothing else of the token counts as a fact.

use serde_json::{Map, Value};

use super::claim_names::ClaimNames;
use super::claims::Claims;
use crate::identity::actor::{Actor, ActorType, Claimed, UnverifiedReason};
use crate::identity::start::IdDigests;

/// What is known of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    /// It is that of a key of the issuer.
    Right,
    /// The key is not known.
    Unchecked,
    /// It is not that of the issuer, or nobody can tell.
    Wrong,
}

/// Reads actors from the tokens of one issuer.
#[derive(Debug, Clone, Copy)]
pub(super) struct ActorReader<'a> {
    pub(super) names: &'a ClaimNames,
    pub(super) digests: Option<&'a IdDigests>,
}

impl ActorReader<'_> {
    /// The actor of a token that fails a check, or of one that passes all.
    pub(super) fn actor(
        self,
        claims: &Map<String, Value>,
        signature: Signature,
        failed: Option<UnverifiedReason>,
    ) -> Actor {
        let claims = Claims(claims);
        let id = claims.text(&self.names.id);
        let mut actor = match (signature, id) {
            (Signature::Right, Some(id)) if failed.is_none() => Actor::verified(id),
            (Signature::Right | Signature::Unchecked, Some(id)) => Actor::asserted(id),
            _ => Actor::unknown(failed.unwrap_or(UnverifiedReason::MissingClaim)),
        };
        actor.auth_type = Some("oauth2".into());
        actor.unverified = failed;
        match signature {
            Signature::Right => self.add_facts(&mut actor, claims, id.is_some()),
            Signature::Unchecked => actor.claimed = Claimed { actor_id: None, ..self.claimed(claims) },
            Signature::Wrong => actor.claimed = self.claimed(claims),
        }
        actor
    }

    fn add_facts(self, actor: &mut Actor, claims: Claims<'_>, is_named: bool) {
        let names = self.names;
        actor.name = claims.first(&names.name);
        actor.client_id = claims.first(&names.client_id);
        actor.tenant = claims.first(&names.tenant);
        actor.roles = names.roles.iter().flat_map(|name| claims.list(name)).take(MOST_ROLES).collect();
        actor.roles.dedup();
        actor.scopes =
            ["scope", "scp"].iter().map(|name| claims.words(name)).find(|it| !it.is_empty()).unwrap_or_default();
        let subject = claims.text("sub");
        if is_named && subject.is_some_and(|subject| subject != actor.id) {
            actor.user_id = subject.map(ToOwned::to_owned);
        }
        if is_service(claims, actor.client_id.as_deref()) {
            actor.kind = ActorType::Service;
        }
        self.add_delegation(actor, claims);
        actor.token.issuer = claims.text("iss").map(ToOwned::to_owned);
        actor.token.id_digest = claims.text("jti").and_then(|id| Some(self.digests?.of(id)));
        actor.token.key_thumbprint = claims.get("cnf").and_then(|cnf| thumbprint(cnf)).map(ToOwned::to_owned);
        actor.token.grant = grant(claims);
    }

    /// RFC 8693, section 4.1: the outermost `act` is who acts now, and those inside acted before. Who acts now is the agent.
    fn add_delegation(self, actor: &mut Actor, claims: Claims<'_>) {
        let outermost = claims.get("act").and_then(Value::as_object);
        let acts = std::iter::successors(outermost, |act| act.get("act").and_then(Value::as_object));
        let named = |act: &Map<String, Value>| Claims(act).first(&["sub", "client_id"]);
        actor.delegation = acts.take(MOST_DELEGATIONS).filter_map(named).collect();
        let claimed_name = || claims.first(&self.names.agent_name);
        match outermost {
            Some(act) => {
                actor.agent.id = named(act);
                actor.agent.name = Claims(act).first(&["name", "agent_name"]).or_else(claimed_name);
            }
            None => {
                actor.agent.id = claims.first(&self.names.agent_id);
                actor.agent.name = claimed_name();
            }
        }
    }

    fn claimed(self, claims: Claims<'_>) -> Claimed {
        let act = claims.get("act").and_then(Value::as_object);
        Claimed {
            actor_id: claims.text(&self.names.id).map(ToOwned::to_owned),
            agent_id: act
                .and_then(|act| Claims(act).first(&["sub", "client_id"]))
                .or_else(|| claims.first(&self.names.agent_id)),
            tenant_id: claims.first(&self.names.tenant),
            ..Claimed::default()
        }
    }
}

/// A client that acts for itself: by RFC 9068, section 2.2, its token has its id as the subject; Auth0, Entra and Keycloak have
/// signs of their own.
fn is_service(claims: Claims<'_>, client_id: Option<&str>) -> bool {
    let is = |name: &str, value: &str| claims.text(name) == Some(value);
    client_id.is_some_and(|client| is("sub", client))
        || is("gty", "client-credentials")
        || is("idtyp", "app")
        || claims.text("preferred_username").is_some_and(|name| name.starts_with("service-account-"))
}

/// The base64url of a SHA-256 (RFC 9449, section 6.1).
fn thumbprint(cnf: &Value) -> Option<&str> {
    let is_one = |text: &&str| {
        text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    cnf.get("jkt").and_then(Value::as_str).filter(is_one)
}

/// The grant, where the issuer says so. It names the identity assertion of Enterprise-Managed Authorization by the grant type of
/// RFC 7523, with which that is redeemed.
fn grant(claims: Claims<'_>) -> Option<String> {
    let name = claims.first(&["gty", "grant_type", "grant"])?;
    Some(match name.as_str() {
        "urn:ietf:params:oauth:grant-type:jwt-bearer" | "urn:ietf:params:oauth:token-type:id-jag" => {
            IDENTITY_ASSERTION.to_owned()
        }
        "urn:ietf:params:oauth:grant-type:token-exchange" => "token_exchange".to_owned(),
        other => other.replace('-', "_"),
    })
}

const IDENTITY_ASSERTION: &str = "identity-assertion";
const MOST_ROLES: usize = 64;
/// Longer chains are of no use to a reader, and a token could hold hundreds.
const MOST_DELEGATIONS: usize = 16;
