//! What of a token is on the record, as a receiver reads it.

use auditrail::capture::direct::{TokenExchange, TokenUse};
use auditrail::identity::jwt::{ClaimNames, JwtIssuer};
use auditrail::record::{Record, Value, names};
use serde_json::json;

use crate::oauth::{AUDIENCE, Cast, verified};
use crate::rig::{Rig, Route, named};

/// Alice has asked an orchestrator, which has asked an agent, which calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegated_agent_is_told_apart_from_the_person() {
    let cast = Cast::new();
    let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let token = cast
        .token("alice")
        .claim("name", "Alice Example")
        .claim("roles", json!(["operator"]))
        .claim("realm_access", json!({ "roles": ["auditor"] }))
        .claim("scope", "mcp:read mcp:call")
        .claim("azp", "desk-app")
        .claim("tid", "blue")
        .claim("jti", "canary-id")
        .claim("gty", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .claim("cnf", json!({ "jkt": thumbprint }))
        .claim("act", json!({ "sub": "agent-7", "name": "Weather agent", "act": { "sub": "orchestrator" } }))
        .signed_by(&cast.p256);
    for route in [Route::Wrapper, Route::Tap] {
        let rig = Rig::new(route, JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)).await;
        rig.wait_for(&token, None).await;
        let record = rig.call_with(&token).await;
        assert_eq!(named(&record), verified("alice"), "{route:?}");
        let issuer = cast.issuer.url();
        for (name, value) in [
            (names::AUDIT_ACTOR_TYPE, "user"),
            (names::USER_NAME, "Alice Example"),
            (names::AUDITRAIL_ACTOR_SOURCE, "jwt"),
            (names::AUDITRAIL_ACTOR_AUTH_TYPE, "oauth2"),
            (names::GEN_AI_AGENT_ID, "agent-7"),
            (names::GEN_AI_AGENT_NAME, "Weather agent"),
            (names::AUDITRAIL_OAUTH_CLIENT_ID, "desk-app"),
            (names::AUDITRAIL_TENANT_ID, "blue"),
            (names::AUDITRAIL_TOKEN_ISSUER, issuer.as_str()),
            (names::AUDITRAIL_TOKEN_KEY_THUMBPRINT, thumbprint),
            (names::AUDITRAIL_TOKEN_GRANT, "identity-assertion"),
        ] {
            assert_eq!(record.text(name), Some(value), "{route:?}: {name}");
        }
        let list = |name| record.get(name).cloned().unwrap();
        assert_eq!(list(names::AUDITRAIL_ACTOR_DELEGATION), Value::strings(["agent-7", "orchestrator"]));
        assert_eq!(list(names::AUDITRAIL_OAUTH_SCOPES), Value::strings(["mcp:read", "mcp:call"]));
        assert_eq!(list(names::USER_ROLES), Value::strings(["operator", "auditor"]));
        let digest = record.text(names::AUDITRAIL_TOKEN_ID_DIGEST).unwrap();
        let (key, mac) = digest.split_once(':').unwrap();
        assert!(key.len() == 16 && mac.len() == 64, "{digest}");
        assert!(!rig.all().contains("canary-id"), "the id of the token is for its issuer");
        // From the cache, word for word.
        assert_eq!(rig.call_with(&token).await.text(names::AUDITRAIL_TOKEN_ID_DIGEST), Some(digest));
    }
}

/// What the code of a server records of the use of a token can be matched with the calls that the token came with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_has_one_digest_whoever_records_it() {
    let cast = Cast::new();
    let token = cast.token("alice").claim("jti", "canary-id").signed_by(&cast.p256);
    let rig = Rig::new(Route::Tap, JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)).await;
    rig.wait_for(&token, None).await;
    let digest = |id: &str| rig.trail.digest(id);
    let used = rig.trail.record(TokenUse::of(digest("canary-id")));
    let exchanged = rig.trail.record(TokenExchange::of(digest("canary-id"), digest("issued-id")));
    let presented = rig.call_with(&token).await;
    let used = rig.one(|record| record.text(names::AUDIT_RECORD_ID) == Some(&used.to_string()));
    let exchanged = rig.one(|record| record.text(names::AUDIT_RECORD_ID) == Some(&exchanged.to_string()));
    let of = |record: &Record| record.text(names::AUDITRAIL_TOKEN_ID_DIGEST).unwrap().to_owned();
    assert_eq!(of(&used), of(&presented));
    assert_eq!(of(&exchanged), of(&presented));
    assert_ne!(exchanged.text(names::AUDITRAIL_TOKEN_ISSUED_ID_DIGEST), Some(&*of(&presented)), "another token");
    assert!(!rig.all().contains("canary-id"), "the id of the token is for its issuer");
}

/// Entra writes `scp` and `idtyp`, Auth0 `gty` and names with dots, Keycloak objects.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_known_issuers_are_understood() {
    let cast = Cast::new();
    let mut claims = ClaimNames::default();
    claims.id = "oid".into();
    claims.roles = vec!["https://example.com/roles".into(), "resource_access.mcp.roles".into()];
    let issuer = JwtIssuer::with_jwks_url(cast.issuer.url(), cast.issuer.jwks_url()).audience(AUDIENCE).claims(claims);
    let rig = Rig::new(Route::Tap, issuer).await;
    let entra =
        cast.token("pairwise").claim("oid", "user-1").claim("scp", "Tools.Call Tools.Read").claim("appid", "app-1");
    let entra = entra.header("typ", "JWT").signed_by(&cast.rsa);
    rig.wait_for(&entra, None).await;
    let record = rig.call_with(&entra).await;
    assert_eq!(named(&record), verified("user-1"));
    assert_eq!(record.text(names::USER_ID), Some("pairwise"), "the subject, where it is not the actor's id");
    assert_eq!(record.text(names::AUDITRAIL_OAUTH_CLIENT_ID), Some("app-1"));
    assert_eq!(record.get(names::AUDITRAIL_OAUTH_SCOPES), Some(&Value::strings(["Tools.Call", "Tools.Read"])));

    let okta = cast.token("x").claim("oid", "user-2").claim("scp", json!(["a", "b"])).claim("client_id", "x");
    let okta =
        okta.claim("https://example.com/roles", json!(["admin"])).header("typ", json!(null)).signed_by(&cast.rsa);
    let record = rig.call_with(&okta).await;
    assert_eq!(record.get(names::AUDITRAIL_OAUTH_SCOPES), Some(&Value::strings(["a", "b"])));
    assert_eq!(record.get(names::USER_ROLES), Some(&Value::strings(["admin"])));
    assert_eq!(record.text(names::AUDIT_ACTOR_TYPE), Some("service"), "its subject is its client");

    let keycloak =
        cast.token("y").claim("oid", "user-3").claim("resource_access", json!({ "mcp": { "roles": ["r"] } }));
    let record = rig.call_with(&keycloak.claim("preferred_username", "service-account-ci").signed_by(&cast.rsa)).await;
    assert_eq!(record.get(names::USER_ROLES), Some(&Value::strings(["r"])));
    assert_eq!(record.text(names::AUDIT_ACTOR_TYPE), Some("service"));
}

/// What cannot be trusted is not spread over the record, and what is endless has an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_of_a_wrong_token_are_claims_and_long_chains_are_cut() {
    let cast = Cast::new();
    let rig = Rig::new(Route::Tap, JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)).await;
    rig.wait_for(&cast.token("alice").signed_by(&cast.rsa), None).await;
    let forged = cast.token("alice").claim("roles", json!(["admin"])).claim("tid", "blue").claim("scope", "all");
    let record = rig.call_with(&forged.claim("act", json!({ "sub": "agent-7" })).signed_by(&cast.forger)).await;
    for absent in [names::USER_ROLES, names::AUDITRAIL_OAUTH_SCOPES, names::AUDITRAIL_TENANT_ID, names::GEN_AI_AGENT_ID]
    {
        assert_eq!(record.get(absent), None, "{absent}");
    }
    assert_eq!(record.text(names::AUDITRAIL_CLAIMED_TENANT_ID), Some("blue"));
    assert_eq!(record.text(names::AUDITRAIL_CLAIMED_AGENT_ID), Some("agent-7"));

    let mut act = json!({ "sub": "agent-0" });
    for number in 1..60 {
        act = json!({ "sub": format!("agent-{number}"), "act": act });
    }
    let record = rig.call_with(&cast.token("alice").claim("act", act).signed_by(&cast.rsa)).await;
    let expected: Vec<_> = (44..60).rev().map(|number| format!("agent-{number}")).collect();
    assert_eq!(record.get(names::AUDITRAIL_ACTOR_DELEGATION), Some(&Value::strings(expected)));
}
