//! What the decision of a policy costs a call, with ten rules and with a thousand, in one run.
//!
//! The rules name tools, prefixes of tools, actors and outcomes; the calls are of tools that the first, the last and no rule
//! matches. The candidates take turns, and medians of batches are compared. Target: a policy of a thousand rules costs what one of ten does.
//!
//! `cargo bench --bench policy`; `-- --quick` only shows that it runs.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints and stops at a surprise")]

use std::hint::black_box;
use std::time::Instant;

use auditrail::policy::{CallFacts, Level, Policy, Rule};

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 20 } else { 2_000 };
    let policies = [10, 1_000].map(policy);
    let tools = ["tool_0_read", "tool_8_read", "tool_998_read", "nothing_knows_it"];
    println!("tool                 10 rules   1000 rules   ratio   (ns, median of {rounds} batches of {BATCH})");
    for tool in tools {
        let mut times: [Vec<f64>; 2] = Default::default();
        for _ in 0..rounds {
            for (policy, times) in policies.iter().zip(&mut times) {
                times.push(timed(policy, tool));
            }
        }
        let [few, many] = times.map(median);
        println!("{tool:<18} {few:>10.0} {many:>12.0} {:>7.2}", many / few);
    }
}

/// Half of the rules name a tool, the others a prefix and an actor.
fn policy(rules: usize) -> Policy {
    let rule = |number: usize| match number % 2 {
        0 => Rule::named(format!("tool {number}")).tool(format!("tool_{number}_read")).level(Level::Arguments),
        _ => Rule::named(format!("actor {number}")).tool(format!("tool_{number}_*")).actor(format!("user-{number}")),
    };
    (0..rules).fold(Policy::builder(), |builder, number| builder.rule(rule(number))).build().unwrap()
}

fn timed(policy: &Policy, tool: &str) -> f64 {
    let mut facts = CallFacts::default();
    (facts.method, facts.tool) = (Some("tools/call"), Some(tool));
    (facts.read_only, facts.actor, facts.tenant) = (Some(true), Some("alice@example.com"), Some("blue"));
    let begun = Instant::now();
    for _ in 0..BATCH {
        black_box(policy.at_begin(black_box(&facts)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

const BATCH: u32 = 200;
