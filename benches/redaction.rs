//! What it costs to redact 4 KiB of arguments with all detectors, and with rules by key and path besides.
//!
//! The arguments are what agents send: a ticket with text, names, identifiers, numbers, paths, and a few lines of code. `clean` has
//! nothing to hide, `mixed` has one of each kind, `escaped` has JSON in a string. Each redaction is timed on its own, and the median
//! counts. Target: less than 20 µs.
//!
//! `cargo bench --bench redaction`; `-- --quick` only shows that it runs.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints and stops at a surprise"
)]

use std::hint::black_box;
use std::time::Instant;

use auditrail::policy::redaction::{Action, Context, Protect, RedactionRule, Redactor};
use serde_json::{Value, json};

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if is_quick { 2_000 } else { 200_000 };
    let all = Redactor::default();
    let with_rules = Redactor::builder()
        .rule(RedactionRule::key("password", Action::Drop))
        .rule(RedactionRule::key("*_token", Action::Mask))
        .rule(RedactionRule::path("$.ticket.customer.name", Action::Hash))
        .rule(RedactionRule::path("$..diagnosis", Action::Mask))
        .build()
        .unwrap();
    println!("                     bytes     p50     p99   (µs, {rounds} each)");
    for (name, arguments) in [("clean", clean()), ("mixed", mixed()), ("escaped", escaped())] {
        let content = arguments.to_string();
        for (rules, redactor) in [("detectors", &all), ("and rules", &with_rules)] {
            let mut times: Vec<f64> = (0..rounds).map(|_| timed(redactor, content.as_bytes())).collect();
            times.sort_unstable_by(f64::total_cmp);
            let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
            println!("{name:>8} {rules:<10} {:>6} {p50:>7.2} {p99:>7.2}", content.len());
        }
    }
}

fn timed(redactor: &Redactor, content: &[u8]) -> f64 {
    let context = Context::of("arguments").tool(Some("update_ticket")).tenant(Some("acme"));
    let start = Instant::now();
    black_box(redactor.redact(black_box(content), &context, &Nothing));
    start.elapsed().as_secs_f64() * 1e6
}

fn clean() -> Value {
    let paragraph = "The export of the quarterly report stops after page 17 when the table has merged cells. It did not in the \
                     version before, and the log says nothing but \"done\". Steps: open the report, choose Export, then PDF.";
    let code =
        "fn total(rows: &[Row]) -> u64 {\n    rows.iter().filter(|row| row.is_open()).map(|row| row.amount).sum()\n}\n";
    json!({
        "ticket": {
            "id": "SUP-20417", "priority": 2, "labels": ["export", "regression", "customer-reported"],
            "customer": { "name": "Example Works", "plan": "business", "seats": 250, "since": "2021-03-14" },
            "created": "2026-12-01T01:23:45Z", "trace": "550e8400-e29b-41d4-a716-446655440000",
        },
        "comments": (0..13).map(|index| json!({"author": format!("user-{index}"), "at": 1_764_000_000 + index, "text": paragraph}))
            .collect::<Vec<_>>(),
        "attachments": (0..4).map(|index| json!({"path": format!("/srv/uploads/2026/12/report-{index}.pdf"), "size": 184_320 + index}))
            .collect::<Vec<_>>(),
        "patch": code.repeat(4),
        "options": { "notify": true, "dry_run": false, "retries": 3, "timeout": 2.5, "format": null },
    })
}

fn mixed() -> Value {
    let mut arguments = clean();
    arguments["comments"][0]["text"] =
        json!("Write to ada@example.org or call +49 30 1234567, the card is 4111 1111 1111 1111.");
    arguments["comments"][1]["text"] =
        json!("Refund to DE89 3704 0044 0532 0130 00, key AKIAQ3X7M2ZKQ3X7M2ZK, see the log for more of it.");
    arguments["password"] = json!("hunter2");
    arguments["session_token"] = json!("f3a9c1d27b6e4058a1c2d3e4f5061728");
    arguments
}

fn escaped() -> Value {
    let mut arguments = clean();
    let comments = arguments["comments"].take().to_string();
    arguments["comments"] = json!(comments);
    arguments
}

/// Has no keys: what should be hashed costs what its owner makes it cost.
struct Nothing;

impl Protect for Nothing {
    fn hash(&self, _: &str, _: &[u8]) -> String {
        "k1:00".to_owned()
    }

    fn pseudonym(&self, _: &str, _: Option<&str>, _: &[u8]) -> Option<String> {
        None
    }

    fn encrypt(&self, _: &str, _: &str, _: &[u8]) -> Option<String> {
        None
    }
}
