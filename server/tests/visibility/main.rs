//! Which point of view sees which MCP event: each row of `docs/visibility.md`, with real servers of rmcp on real transports.
//!
//! `REGENERATE=1 cargo test --test visibility` writes the page anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

mod http;
mod http_rows;
mod page;
mod proxied;
mod server;
mod stdio;
mod stdio_rows;
mod summary;
#[path = "../../../tests/suite/support.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;
mod view;

use self::page::{Row, Seen};
use self::view::seen_from_each;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_point_of_view_sees_what_the_page_says() {
    let mut wrong = Vec::new();
    let mut rows = Vec::new();
    for row in stdio_rows::rows() {
        let seen = seen_from_each(row.event, async |view| stdio::play(&row, view).await).await;
        let seen = seen.arranged_as(row.expected());
        wrong.extend(differences(row.event, &seen, row.expected()));
        rows.push(Row { event: row.event, seen });
    }
    let mut http_rows = Vec::new();
    for scene in http_rows::rows() {
        let seen = seen_from_each(scene.event, async |view| http::play(&scene, view).await).await;
        let seen = seen.arranged_as(scene.expected());
        wrong.extend(differences(scene.event, &seen, scene.expected()));
        http_rows.push(Row { event: scene.event, seen });
    }
    assert!(wrong.is_empty(), "not what was expected:\n{}", wrong.join("\n"));
    page::check(&[("stdio", &rows), ("Streamable HTTP", &http_rows)]);
}

impl stdio_rows::Scene {
    fn expected(&self) -> [&[&str]; 4] {
        [&self.wrapper, &self.tap, &self.both, &self.proxy]
    }
}

impl http_rows::Scene {
    fn expected(&self) -> [&[&str]; 4] {
        [self.wrapper, self.tap, self.both, self.proxy]
    }
}

/// Between what is expected of a row and what was seen, for each point of view.
fn differences(event: &str, seen: &Seen, expected: [&[&str]; 4]) -> Vec<String> {
    let views = [("wrapper", &seen.wrapper), ("tap", &seen.tap), ("both", &seen.both), ("proxy", &seen.proxy)];
    let differs = |((view, seen), expected): ((&str, &Vec<String>), &[&str])| {
        (seen != expected).then(|| format!("{event} [{view}]\n  expected {expected:?}\n  seen     {seen:?}"))
    };
    views.into_iter().zip(expected).filter_map(differs).collect()
}
