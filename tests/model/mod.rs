//! A random walk over the journal on a simulated disk, watched by an oracle.
//!
//! `AUDITRAIL_MODEL_CASES` says how many walks, `AUDITRAIL_MODEL_SEED` replays one. A walk that fails is shortened to the
//! fewest steps that still fail, and what it did is printed.
//!
//! [`walk`] is of one process at a time, one after the other; [`company`] of several at once. [`found`] and [`dropped`] are what
//! walks have found, step by step.

mod actor;
pub mod company;
mod dropped;
mod found;
mod oracle;
mod process;
mod walk;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::walk::Walk;

pub fn run(cases: u64) {
    if let Some(seed) = number("AUDITRAIL_MODEL_SEED") {
        return one(seed);
    }
    let first = number("AUDITRAIL_MODEL_FIRST").unwrap_or(1);
    let cases = number("AUDITRAIL_MODEL_CASES").unwrap_or(cases);
    (first..first + cases).for_each(one);
}

fn one(seed: u64) {
    let attempt = |steps: u64| {
        let mut walk = Walk::new(seed);
        let ended = catch_unwind(AssertUnwindSafe(|| walk.go(steps)));
        ended.map_err(|_| walk.log())
    };
    let steps = 20 + seed % 60;
    if attempt(steps).is_ok() {
        return;
    }
    let fewest = (0..steps).find(|steps| attempt(*steps).is_err()).unwrap_or(steps);
    let log = attempt(fewest).err().unwrap_or_default();
    panic!("replay with AUDITRAIL_MODEL_SEED={seed} ({fewest} steps):\n{}", log.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
