use super::*;

/// A new field has to be named here, and its key in `ACTOR_KEYS`: an event would otherwise get half an actor from its call.
#[test]
fn every_key_of_an_actor_is_lent_with_it() {
    let some = || Some("x".to_owned());
    let actor = Actor {
        id: "x".to_owned(),
        kind: ActorType::System,
        verified: true,
        auth_type: Some("x".into()),
        name: some(),
        roles: vec!["x".to_owned()],
        client_id: some(),
        scopes: vec!["x".to_owned()],
        tenant: some(),
        user_id: some(),
        source: Some("x".into()),
        unverified: Some(UnverifiedReason::Expired),
        agent: Agent { id: some(), name: some() },
        delegation: vec!["x".to_owned()],
        token: TokenFacts { id_digest: some(), issuer: some(), key_thumbprint: some(), grant: some() },
        claimed: Claimed { actor_id: some(), agent_id: some(), tenant_id: some(), purpose: some(), reason: some() },
    };
    let mut attributes = Attributes::default();
    actor.write(&mut attributes);
    let tenants = [names::AUDITRAIL_TENANT_ID, names::AUDITRAIL_CLAIMED_TENANT_ID];
    let mut written: Vec<_> = attributes.iter().map(|(key, _)| key.to_owned()).collect();
    written.retain(|key| !tenants.contains(&key.as_str()));
    written.sort_unstable();
    let mut lent = ACTOR_KEYS.map(ToOwned::to_owned).to_vec();
    lent.sort_unstable();
    assert_eq!(written, lent);
}
