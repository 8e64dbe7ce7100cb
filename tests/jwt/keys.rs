//! Where keys come from, and how endpoints lie about them.

use std::time::Duration;

use auditrail::identity::jwt::{Algorithm, JwtExtractor, JwtIssuer};
use auditrail::record::names;
use serde_json::json;

use crate::oauth::{AUDIENCE, Cast, Mode, SigningKey, Token, doubtful, nobody, verified};
use crate::rig::{Rig, Route, named};

const SOON: Duration = Duration::from_millis(20);

fn by_url(cast: &Cast) -> JwtIssuer {
    JwtIssuer::with_jwks_url(cast.issuer.url(), cast.issuer.jwks_url()).audience(AUDIENCE).refresh(SOON).cool_down(SOON)
}

/// Each is refused by name, and the last good keys stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_endpoint_is_told_and_changes_no_key() {
    let cast = Cast::new();
    let token = cast.token("alice").signed_by(&cast.rsa);
    let json = |document: serde_json::Value| Mode::Lying("application/json", document.to_string().into_bytes());
    let with = |name: &str, value: &str| {
        let mut jwk = cast.rsa.jwk();
        jwk[name] = value.into();
        json(json!({ "keys": [jwk] }))
    };
    let encryption = with("use", "enc");
    for (mode, told) in [
        (Mode::Lying("text/html", b"<html>canary</html>".to_vec()), "a web page"),
        (Mode::Lying("text/plain", b" <html>canary</html>".to_vec()), "a web page"),
        (Mode::Lying("image/png", b"canary".to_vec()), "media type"),
        (Mode::Lying("application/json", b"canary".to_vec()), "not JSON"),
        (Mode::Lying("application/json", vec![b' '; 10 << 20]), "more than 524288 bytes"),
        (json(json!({ "keys": "canary" })), "no array `keys`"),
        (json(json!({ "keys": ["canary"] })), "not an object"),
        (json(json!({ "keys": vec![cast.rsa.jwk(); 101] })), "101 keys"),
        (json(json!({ "keys": [cast.rsa.jwk(), { "kty": "oct", "k": "canary" }] })), "a symmetric key"),
        (with("d", "canary"), "a private key"),
        (encryption, "it is not for signatures"),
        (with("kty", "canary"), "its type is not supported"),
        (with("n", "AQAB"), "fewer than 2048 bits"),
        (Mode::Redirecting("https://evil.example/canary".into()), "redirects to another"),
        (Mode::Redirecting("/keys".into()), "redirects too often"),
        (Mode::Gone, "HTTP 503"),
    ] {
        cast.issuer.set(Mode::Ok);
        let rig = Rig::new(Route::Tap, by_url(&cast)).await;
        rig.wait_for(&token, None).await;
        cast.issuer.set(mode);
        rig.wait_until_said(told).await;
        assert_eq!(named(&rig.call_with(&token).await), verified("alice"), "{told}");
        let said = rig.said();
        assert!(said.iter().any(|said| said.contains(&cast.issuer.url())), "{said:?}");
        assert!(!said.iter().any(|said| said.contains("canary")), "{said:?}");
    }
}

/// The document must be the issuer's own: another path of its host belongs to somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_of_another_issuer_are_not_believed() {
    let cast = Cast::new();
    cast.issuer.rename(&format!("{}/", cast.issuer.url()));
    let rig = Rig::new(Route::Tap, JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)).await;
    rig.wait_until_said("the metadata of another issuer").await;
    let record = rig.call_with(&cast.token("alice").signed_by(&cast.rsa)).await;
    assert_eq!(named(&record), doubtful("alice", "key_unavailable"));
    assert_eq!(cast.issuer.asked(), 0, "its keys are not even asked for");
}

/// OpenID Connect appends its well-known path to the issuer's own; RFC 8414, section 3.1, inserts it before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_are_found_where_each_standard_puts_them() {
    for (path, at) in [
        ("/tenants/blue", "/tenants/blue/.well-known/openid-configuration"),
        ("/tenants/blue", "/.well-known/oauth-authorization-server/tenants/blue"),
        ("/tenants/blue/", "/tenants/blue/.well-known/openid-configuration"),
        ("/tenants/blue/", "/.well-known/oauth-authorization-server/tenants/blue"),
    ] {
        let cast = Cast::new();
        let issuer = format!("{}{path}", cast.issuer.url());
        cast.issuer.serve(at, json!({ "issuer": issuer, "jwks_uri": cast.issuer.jwks_url() }));
        let rig = Rig::new(Route::Tap, JwtIssuer::discovered(&issuer).audience(AUDIENCE)).await;
        let token = Token::of(&issuer, "alice").audience(AUDIENCE).signed_by(&cast.rsa);
        rig.wait_for(&token, None).await;
        let record = rig.call_with(&token).await;
        assert_eq!(named(&record), verified("alice"), "{at}");
        assert_eq!(record.text(names::AUDITRAIL_TOKEN_ISSUER), Some(&*issuer), "{at}");
        assert_eq!(cast.issuer.paths().last().map(String::as_str), Some(at));
    }
}

/// The metadata of the host are those of another issuer, and so are those of another path.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_with_a_path_does_not_get_the_keys_of_its_host() {
    let cast = Cast::new();
    let issuer = format!("{}/tenants/blue", cast.issuer.url());
    let green = format!("{}/tenants/green", cast.issuer.url());
    cast.issuer.serve(
        "/.well-known/oauth-authorization-server/tenants/blue",
        json!({ "issuer": green, "jwks_uri": cast.issuer.jwks_url() }),
    );
    let rig = Rig::new(Route::Tap, JwtIssuer::discovered(&issuer).audience(AUDIENCE)).await;
    rig.wait_until_said("/tenants/blue").await;
    let token = Token::of(&issuer, "alice").audience(AUDIENCE).signed_by(&cast.rsa);
    assert_eq!(named(&rig.call_with(&token).await), doubtful("alice", "key_unavailable"));
    assert_eq!(cast.issuer.asked(), 0, "the keys are not even asked for");
}

/// However many names of keys somebody makes up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_names_of_keys_cause_one_load_per_cool_down() {
    let cast = Cast::new();
    let issuer = by_url(&cast).refresh(Duration::from_secs(3600)).cool_down(Duration::from_secs(3600));
    let rig = Rig::new(Route::Tap, issuer).await;
    rig.wait_for(&cast.token("alice").signed_by(&cast.rsa), None).await;
    let asked = cast.issuer.asked();
    for number in 0..50 {
        let token = cast.token("alice").header("kid", format!("made-up-{number}")).signed_by(&cast.forger);
        assert_eq!(named(&rig.call_with(&token).await), doubtful("alice", "key_unknown"));
    }
    assert_eq!(cast.issuer.asked(), asked);
}

/// Keys that nobody confirms are used for a while, and then no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_cannot_be_loaded_again_have_a_limit() {
    let cast = Cast::new();
    let rig = Rig::new(Route::Tap, by_url(&cast).stale(Duration::from_secs(1))).await;
    let token = cast.token("alice").signed_by(&cast.rsa);
    rig.wait_for(&token, None).await;
    cast.issuer.set(Mode::Gone);
    rig.wait_until_said("the last ones are too old").await;
    assert_eq!(
        named(&rig.call_with(&token).await),
        doubtful("alice", "key_unavailable"),
        "the cache does not outlive the keys"
    );
    cast.issuer.set(Mode::Ok);
    rig.wait_for(&token, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_keys_is_read_again_when_it_changes() {
    let (directory, key, next) = (tempfile::tempdir().unwrap(), SigningKey::ed25519("a"), SigningKey::ed25519("b"));
    let path = directory.path().join("jwks.json");
    let write = |document: String| {
        std::fs::write(directory.path().join("new"), document).unwrap();
        std::fs::rename(directory.path().join("new"), &path).unwrap();
    };
    write(json!({ "keys": [key.jwk()] }).to_string());
    let issuer =
        JwtIssuer::with_jwks_file("https://issuer.example", &path).audience(AUDIENCE).refresh(SOON).cool_down(SOON);
    let rig = Rig::new(Route::Tap, issuer).await;
    let token = |key: &SigningKey| Token::of("https://issuer.example", "alice").audience(AUDIENCE).signed_by(key);
    assert_eq!(named(&rig.call_with(&token(&key)).await), verified("alice"), "it is read before the first call");
    write("{".into());
    rig.wait_until_said("it is not JSON").await;
    assert_eq!(named(&rig.call_with(&token(&key)).await), verified("alice"));
    write(json!({ "keys": [next.jwk()] }).to_string());
    rig.wait_for(&token(&next), None).await;
    rig.wait_for(&token(&key), Some("key_unknown")).await;
}

/// Some issuers name neither keys nor algorithms, pad their numbers or leave zeros out, and have keys for other uses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_careless_issuers_are_understood() {
    let cast = Cast::new();
    let (first, second) = (SigningKey::rsa("x", 1).nameless(), SigningKey::rsa("x", 2).nameless());
    let mut keys = vec![first.jwk(), second.jwk(), cast.p256.jwk()];
    for key in &mut keys {
        key.as_object_mut().unwrap().remove("alg");
    }
    let padded = format!("{}==", keys[1]["n"].as_str().unwrap());
    keys[1]["n"] = padded.into();
    keys[0].as_object_mut().unwrap().remove("use");
    let mut encryption = cast.ed25519.jwk();
    encryption["use"] = "enc".into();
    let post_quantum = json!({ "kty": "AKP", "kid": "pq", "alg": "ML-DSA-65", "pub": "AAAA" });
    keys.extend([encryption, post_quantum]);
    cast.issuer.publish(json!({ "keys": keys }));
    let rig = Rig::new(Route::Tap, by_url(&cast)).await;
    for key in [&first, &second, &cast.p256] {
        rig.wait_for(&cast.token("alice").signed_by(key), None).await;
    }
    let named_for_a_nameless_key = cast.token("alice").header("kid", "whatever").signed_by(&second);
    assert_eq!(named(&rig.call_with(&named_for_a_nameless_key).await), verified("alice"));
    let by_none = cast.token("alice").signed_by(&cast.ed25519);
    rig.wait_for(&by_none, Some("key_unknown")).await;
}

/// An algorithm that is not pinned is refused, whatever keys the issuer has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_pinned_algorithms_count() {
    let cast = Cast::new();
    let rig = Rig::new(Route::Tap, by_url(&cast).algorithms([Algorithm::Es256])).await;
    rig.wait_for(&cast.token("alice").signed_by(&cast.p256), None).await;
    let record = rig.call_with(&cast.token("alice").signed_by(&cast.rsa)).await;
    assert_eq!(named(&record), nobody("algorithm", Some("alice")));
}

#[test]
fn mistakes_in_the_settings_are_told_at_once() {
    let issuer = || JwtIssuer::discovered("https://issuer.example");
    for (wrong, told) in [
        (issuer(), "audience is not set: a token for another server would be accepted"),
        (JwtIssuer::discovered("http://issuer.example").audience("a"), "http:// is only for this machine"),
        (JwtIssuer::discovered("issuer.example").audience("a"), "with jwks_url or jwks_file"),
        (JwtIssuer::with_jwks_url("x", "http://canary@issuer.example").audience("a"), "a user or password"),
        (issuer().audience("a").algorithms([]), "no token would be accepted"),
        (issuer().audience("a").leeway(Duration::from_secs(3600)), "at most 10m"),
    ] {
        let error = JwtExtractor::new([wrong]).unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("canary"), "{error}");
    }
    let twice = JwtExtractor::new([issuer().audience("a"), issuer().audience("b")]).unwrap_err().to_string();
    assert!(twice.contains("it is there twice"), "{twice}");
}
