//! The official conformance suite of MCP against one server: as it is, and audited in each way that there is.
//!
//! Auditing must change no answer, so each variant scores what the plain server scores, check by check. Besides, every
//! request is counted on the wire, by eyes that are not auditrail's, and compared with the records.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../peers/cache.rs"]
mod cache;
mod clients;
mod everything;
mod fixture;
mod proxied;
mod suite;
mod tables;
mod variant;
mod wire;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../suite/support.rs"]
mod support;

use self::suite::{Scores, alone, installed};
use self::variant::{REVISIONS, Run, Variant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_variant_scores_what_the_plain_server_scores() {
    let Some(suite) = installed() else { return };
    let _alone = alone().await;
    let mut runs = Vec::new();
    for revision in REVISIONS {
        // One after the other: some checks watch how long an answer takes.
        for variant in Variant::ALL {
            runs.push(variant.run(&suite, revision).await);
        }
    }
    let tables = tables::of(&runs);
    println!("\n{tables}");
    for run in &runs {
        println!("{} at {}: {:.1?}", run.variant.name(), run.revision, run.took);
        if run.variant != Variant::Plain {
            println!("{}", run.audit);
        }
    }

    for runs in runs.chunks(Variant::ALL.len()) {
        let (plain, others) = runs.split_first().unwrap();
        assert_eq!(plain.scores.blemishes(), [""; 0], "the plain server at {}", plain.revision);
        for run in others {
            assert_same(&run.scores, &plain.scores, run);
            if run.variant.sees_every_request() {
                run.audit.assert_one_pair_each();
            }
        }
    }
    tables::documented(&tables, &suite, &runs[0].scores.day);
}

/// Scenario by scenario, so that a failure says where.
fn assert_same(scores: &Scores, plain: &Scores, run: &Run) {
    let at = format!("{} at {}", run.variant.name(), run.revision);
    for (scenario, checks) in &plain.scenarios {
        assert_eq!(scores.scenarios.get(scenario), Some(checks), "{at}: {scenario}");
    }
    assert_eq!(scores.scenarios.len(), plain.scenarios.len(), "{at}: scenarios");
}
