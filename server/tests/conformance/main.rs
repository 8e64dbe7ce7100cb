//! The official MCP conformance suite against one server: plain, and audited in every way.
//!
//! Auditing must change no answer, so each variant scores what the plain server scores, check by check. Besides, every
//! request is counted on the wire, by eyes that are not auditrail's, and compared with the records.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect, and shows what it found"
)]

mod clients;
mod everything;
mod fixture;
#[path = "../../../tests/peers/mod.rs"]
mod peers;
mod proxied;
mod suite;
mod tables;
mod variant;
mod wire;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/suite/support.rs"]
mod support;

use std::process::ExitCode;

use self::clients::clients_score_the_same_through_the_forward_proxy;
use self::everything::server_everything_scores_the_same_through_the_proxy;
use self::peers::{Peer, Peers, trial};
use self::suite::{Scores, Suite, alone};
use self::variant::{REVISIONS, Run, Variant};

fn main() -> ExitCode {
    const SUITE: Peer = Peer::Conformance;
    let mut trials = vec![
        trial("every_variant_scores_what_the_plain_server_scores", &[SUITE], every_variant),
        trial(
            "server_everything_scores_the_same_through_the_proxy",
            &[SUITE, Peer::Everything],
            server_everything_scores_the_same_through_the_proxy,
        ),
        trial(
            "clients_score_the_same_through_the_forward_proxy",
            &[SUITE, Peer::Python],
            clients_score_the_same_through_the_forward_proxy,
        ),
    ];
    trials.extend(suite::tests::trials());
    trials.extend(wire::tests::trials());
    peers::run(trials)
}

async fn every_variant(peers: Peers) {
    let suite = Suite::of(&peers);
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
