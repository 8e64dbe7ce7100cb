//! `auditrail proxy` between third-party clients and servers: both see what they see without it, everything is
//! audited, and traces continue.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

mod certificates;
mod encodings;
#[path = "../../../tests/examples/mod.rs"]
mod examples;
mod forwarded;
mod login;
mod missing;
#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
#[path = "../../../tests/support/oauth/mod.rs"]
mod oauth;
#[path = "../../../tests/peers/mod.rs"]
mod peers;
mod processes;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../proxy_stdio/rig.rs"]
mod rig;
mod same_person;
mod tours;
mod trace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        certificates::trials(),
        encodings::trials(),
        forwarded::trials(),
        same_person::trials(),
        tours::trials(),
        trace::trials(),
        login::trials(),
        missing::trials(),
    ];
    peers::run(trials.into_iter().flatten().collect())
}
