//! The same tokens over every route. The proxy has its part in `server/tests/proxy_http/jwt.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::record::names;
use auditrail::trail::Class;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

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

/// The metric counts what the records say, as a reader of the OTel SDK gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_counted_by_how_well_their_actors_are_known() {
    for route in ROUTES {
        let cast = Cast::new();
        let rig = Rig::new(route, discovered(&cast)).await;
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).with_interval(Duration::from_secs(3600)).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        rig.trail.observe(&provider.meter("test"));
        rig.wait_for(&cast.token("alice").signed_by(&cast.rsa), None).await;
        let mut expected = BTreeMap::from(["verified", "asserted", "unverified", "anonymous"].map(|it| (it.into(), 0)));
        for case in cast.cases() {
            rig.call(&case.authorization).await;
            let standing = match (case.expected.is_verified, case.expected.reason, case.expected.actor.as_str()) {
                (true, ..) => "verified",
                (false, Some(_), _) => "unverified",
                (false, None, "anonymous") => "anonymous",
                (false, None, _) => "asserted",
            };
            *expected.get_mut(standing).unwrap() += 1;
        }
        assert!(["verified", "unverified", "anonymous"].iter().all(|it| expected[*it] > 0), "{expected:?}");
        provider.force_flush().unwrap();
        assert_eq!(counted(&exporter), expected, "{route:?}");
    }
}

fn counted(exporter: &InMemoryMetricExporter) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    for resource in exporter.get_finished_metrics().unwrap() {
        let metrics = resource.scope_metrics().flat_map(|scope| scope.metrics());
        for metric in metrics.filter(|metric| metric.name() == "auditrail.calls.actors") {
            let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else { panic!("{metric:?}") };
            assert!(sum.is_monotonic() && metric.unit() == "{call}");
            for point in sum.data_points() {
                let attributes: Vec<_> = point.attributes().collect();
                let [standing] = attributes.as_slice() else { panic!("{attributes:?}") };
                assert_eq!(standing.key.as_str(), "auditrail.actor.standing");
                counted.insert(standing.value.to_string(), point.value());
            }
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_exchanged_takes_its_tokens_with_it() {
    for route in ROUTES {
        let cast = Cast::new();
        let rig = Rig::new(route, discovered(&cast).cool_down(Duration::from_millis(50))).await;
        let old = cast.token("alice").signed_by(&cast.rsa);
        rig.wait_for(&old, None).await;
        assert_eq!(named(&rig.call_with(&old).await), verified("alice"), "{route:?}");
        let next = SigningKey::p256("next");
        let new = cast.token("alice").signed_by(&next);
        assert!(!named(&rig.call_with(&new).await).is_verified);
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

/// Only where a class wants to know who acts does a call wait for keys, until its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_that_requires_a_verified_actor_waits_for_the_keys() {
    let cast = Cast::new();
    cast.issuer.set(Mode::Slow);
    let extractor = Arc::new(JwtExtractor::new([discovered(&cast).timeout(Duration::from_secs(600))]).unwrap());
    let class = Class { deadline: Duration::from_secs(60), ..Class::default() }.requires_verified_actor();
    let rig = Arc::new(Rig::built(Route::Wrapper, extractor, |builder| builder.class(class)).await);
    let token = cast.token("alice").signed_by(&cast.rsa);
    let waiting = tokio::spawn({
        let (rig, token) = (rig.clone(), token.clone());
        async move { rig.call_with(&token).await }
    });
    cast.issuer.wait_until_asked_more_than(0);
    cast.issuer.set(Mode::Ok);
    let record = waiting.await.unwrap();
    assert_eq!(named(&record), verified("alice"));
    assert_ne!(record.text(names::AUDITRAIL_DECISION), Some("deny"));
}
