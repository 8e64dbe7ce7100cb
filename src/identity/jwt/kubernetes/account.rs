//! The actor of a service account.

use serde_json::{Map, Value};

use crate::identity::actor::{Actor, ActorType};
use crate::identity::jwt::claims::Claims;
use crate::identity::start::IdDigests;

/// Adds what tokens of Kubernetes say in a way of their own. The id is `system:serviceaccount:NAMESPACE:NAME`.
pub(super) fn complete(actor: &mut Actor, claims: &Map<String, Value>, is_signed: bool) {
    actor.kind = ActorType::Service;
    actor.auth_type = Some(AUTH_TYPE.into());
    if is_signed {
        let own = Claims(claims).get("kubernetes.io").and_then(Value::as_object);
        let uid = own.and_then(|own| Claims(own).text("serviceaccount.uid"));
        actor.user_id = uid.map(ToOwned::to_owned);
    }
}

/// The actor of `status.user` in a review.
pub(super) fn of_review(user: &Map<String, Value>, digests: Option<&IdDigests>) -> Option<Actor> {
    let user = Claims(user);
    let mut actor = Actor::verified(user.text("username")?).service();
    actor.auth_type = Some(AUTH_TYPE.into());
    actor.user_id = user.text("uid").map(ToOwned::to_owned);
    actor.roles = user.list("groups");
    let credential = user.get("extra").and_then(|extra| extra.get("authentication.kubernetes.io/credential-id"));
    let credential = credential.and_then(|values| values.get(0)).and_then(Value::as_str);
    let id = credential.and_then(|credential| credential.strip_prefix("JTI="));
    actor.token.id_digest = id.and_then(|id| Some(digests?.of(id)));
    Some(actor)
}

const AUTH_TYPE: &str = "kubernetes";
