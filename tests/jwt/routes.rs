//! The same tokens over every route. The proxy has its part in `server/tests/proxy_http/jwt.rs`.

use auditrail::identity::jwt::JwtIssuer;

use crate::oauth::{AUDIENCE, Cast, Mode, SigningKey, Token, doubtful, nobody, verified};
use crate::rig::{Rig, Route, named};

const ROUTES: [Route; 2] = [Route::Wrapper, Route::Tap];

fn discovered(cast: &Cast) -> JwtIssuer {
    JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_credential_is_recorded_as_what_it_is() {
    for route in ROUTES {
        let cast = Cast::new();
        let rig = Rig::new(route, discovered(&cast)).await;
        rig.wait_for(&cast.token("alice").signed_by(&cast.rsa), None).await;
        let cases = cast.cases();
        // The first unknown key makes the extractor look once more.
        rig.wait_for(&cast.token("alice").header("kid", "made-up").signed_by(&cast.forger), Some("key_unknown")).await;
        for case in &cases {
            let record = rig.call(&case.authorization).await;
            assert_eq!(named(&record), case.expected, "{route:?}: {}", case.name);
        }
        let (all, said) = (rig.all(), rig.said().join("\n"));
        for credential in cases.iter().flat_map(|case| &case.authorization) {
            let secret = credential.split(['.', ' ']).next_back().unwrap();
            assert!(secret.is_empty() || !all.contains(secret) && !said.contains(secret), "{secret}");
        }
        let (all, asked) = (all.contains("canary"), format!("{:?}", rig.extractor).contains("canary"));
        assert!(!all && !asked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_exchanged_takes_its_tokens_with_it() {
    for route in ROUTES {
        let cast = Cast::new();
        let rig = Rig::new(route, discovered(&cast).cool_down(std::time::Duration::from_millis(50))).await;
        let old = cast.token("alice").signed_by(&cast.rsa);
        rig.wait_for(&old, None).await;
        assert_eq!(named(&rig.call_with(&old).await), verified("alice"), "{route:?}");
        let next = SigningKey::p256("next");
        let new = cast.token("alice").signed_by(&next);
        assert_eq!(named(&rig.call_with(&new).await).is_verified, false);
        cast.issuer.rotate(&[&next]);
        rig.wait_for(&new, None).await;
        assert_eq!(named(&rig.call_with(&new).await), verified("alice"), "{route:?}");
        // It was verified before, and is not forgotten but withdrawn.
        rig.wait_for(&old, Some("key_unknown")).await;
        assert_eq!(named(&rig.call_with(&old).await), doubtful("alice", "key_unknown"), "{route:?}");
    }
}

/// A call is answered while the endpoint holds its answer back: nothing of it waits for keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_the_keys_are_slow_gone_or_lying() {
    let web_page = Mode::Lying("text/html", b"<html>canary</html>".to_vec());
    for route in ROUTES {
        for mode in [Mode::Slow, Mode::Gone, web_page.clone()] {
            let cast = Cast::new();
            cast.issuer.set(mode.clone());
            let rig = Rig::new(route, discovered(&cast)).await;
            let token = cast.token("alice").signed_by(&cast.rsa);
            let record = rig.call_with(&token).await;
            assert_eq!(named(&record), doubtful("alice", "key_unavailable"), "{route:?} {mode:?}");
            let record = rig.call_with(&cast.token("alice").unsigned()).await;
            assert_eq!(named(&record), nobody("algorithm", Some("alice")), "{route:?} {mode:?}");
            cast.issuer.set(Mode::Ok);
            rig.wait_for(&token, None).await;
            assert_eq!(named(&rig.call_with(&token).await), verified("alice"), "{route:?} {mode:?}");
        }
    }
}

/// Two issuers may have the same name for different keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_counts_only_for_its_issuer() {
    let (ours, theirs) = (Cast::new(), Cast::new());
    let rig = Rig::new(Route::Tap, discovered(&ours)).await;
    rig.wait_for(&ours.token("alice").signed_by(&ours.rsa), None).await;
    let token = Token::of(&theirs.issuer.url(), "alice").audience(AUDIENCE).signed_by(&theirs.ed25519);
    assert_eq!(named(&rig.call_with(&token).await), nobody("issuer", Some("alice")));
    let token = ours.token("alice").signed_by(&theirs.ed25519);
    assert_eq!(named(&rig.call_with(&token).await), nobody("signature", Some("alice")));
}
