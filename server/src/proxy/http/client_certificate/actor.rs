//! Who the holder of a certificate is.

use std::borrow::Cow;

use auditrail::identity::{Actor, ActorType, UnverifiedReason};

use super::extractor::SOURCE;
use super::settings::{CertificateName, ClientCertificates};
use super::x509::{Found, Names};

/// The holder of a certificate (DER) that was verified. If the name that counts is not in it, the actor is not verified and has
/// the reason: the certificate is valid, but does not say who it is.
pub(crate) fn actor(der: &[u8], settings: &ClientCertificates) -> Actor {
    let Some(names) = Names::read(der) else { return unnamed(UnverifiedReason::Malformed, None) };
    let mut actor = match names.get(settings.name) {
        Found::One(name) => Actor::verified(name),
        Found::Missing => unnamed(UnverifiedReason::MissingClaim, subject(&names)),
        Found::Several => unnamed(UnverifiedReason::Several, subject(&names)),
        Found::Unusable => unnamed(UnverifiedReason::Malformed, None),
    };
    if actor.verified {
        actor.kind = settings.holder.unwrap_or_else(|| holder(settings.name));
        actor.name = other(&actor.id, &names);
    }
    actor.token.issuer = names.issuer().map(str::to_owned);
    with_source(actor)
}

/// Who the holder of a certificate (DER) that was refused claims to be.
pub(crate) fn claimed(der: &[u8], settings: &ClientCertificates) -> Option<String> {
    let names = Names::read(der)?;
    match names.get(settings.name) {
        Found::One(name) => Some(name.to_owned()),
        _ => subject(&names),
    }
}

/// Nobody, by a certificate.
pub(super) fn unnamed(reason: UnverifiedReason, claimed: Option<String>) -> Actor {
    let mut actor = Actor::unknown(reason);
    actor.claimed.actor_id = claimed;
    with_source(actor)
}

fn with_source(mut actor: Actor) -> Actor {
    actor.source = Some(Cow::Borrowed(SOURCE));
    actor.auth_type = Some(Cow::Borrowed(SOURCE));
    actor
}

/// What has such names.
const fn holder(name: CertificateName) -> ActorType {
    match name {
        CertificateName::Subject | CertificateName::CommonName | CertificateName::Email => ActorType::User,
        CertificateName::Uri | CertificateName::Dns => ActorType::Service,
    }
}

fn subject(names: &Names) -> Option<String> {
    match names.get(CertificateName::Subject) {
        Found::One(name) => Some(name.to_owned()),
        _ => None,
    }
}

/// The common name, which is what people call the holder, where it is not the actor itself.
fn other(id: &str, names: &Names) -> Option<String> {
    match names.get(CertificateName::CommonName) {
        Found::One(name) if name != id => Some(name.to_owned()),
        _ => None,
    }
}
